// The recording's switch, and where the file is. The file is whole at every moment: a crash costs its last second.
import type { CaptureView } from '../../protocol/capture-state.ts';
import { useAsk } from '../ask.ts';
import { CopyButton } from '../copy-button.tsx';
import { byteSize, duration } from '../format.ts';
import { planeNowMs, useConsole } from '../stores.ts';

export function RecordingCard({ capture }: { capture: CaptureView }) {
  const { ask, isBusy, problem } = useAsk();
  const isOpen = useConsole((store) => store.connection === 'open');
  const { recording, state } = capture;
  const canRecord = 'source' in state && state.is !== 'failed';
  const wrong = recording?.problem ?? problem;
  return (
    <section className="card stack" aria-labelledby="recording-title">
      <div className="row">
        <h2 id="recording-title">Recording</h2>
        <span className="space" />
        <label className="row">
          <input
            type="checkbox"
            role="switch"
            checked={recording !== null}
            disabled={!isOpen || isBusy || (!canRecord && recording === null)}
            onChange={(event) => void ask('setRecording', { on: event.target.checked })}
          />
          Record to a file
        </label>
      </div>
      {recording ? (
        <>
          <p className="mono path">{recording.file}</p>
          <div className="row">
            <CopyButton text={recording.file} what="of the recording" label="Copy place" />
            {window.p2pliveConsole?.showRecording && (
              <button type="button" onClick={() => window.p2pliveConsole?.showRecording?.()}>
                Show the file
              </button>
            )}
            <span className="space" />
            <span className="soft">
              {byteSize(recording.bytes)}, {duration(planeNowMs() - recording.sinceMs)}
            </span>
          </div>
        </>
      ) : (
        <p className="small soft">
          {canRecord ? 'Off. It survives a crash.' : 'Possible when a source of this computer is shown.'}
        </p>
      )}
      {wrong !== null && (
        <p className="problem" role="alert">
          {wrong}
        </p>
      )}
    </section>
  );
}
