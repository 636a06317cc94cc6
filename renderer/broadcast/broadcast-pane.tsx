// The Broadcast pane: choose, look, go live, share. Puts the parts together and decides which of them a state calls for.
import { useState } from 'react';
import type { CaptureState, PresetName, Source } from '../../protocol/capture-state.ts';
import { useAsk } from '../ask.ts';
import { PlaneNotes } from '../plane-notes.tsx';
import { useConsole } from '../stores.ts';
import './broadcast.css';
import { Controls } from './controls.tsx';
import { DestinationCard } from './destination-card.tsx';
import { EncoderCard } from './encoder-card.tsx';
import { ExternalPanel } from './external-panel.tsx';
import { FirstRun } from './first-run.tsx';
import { LampCard } from './lamp-card.tsx';
import { NumbersCard } from './numbers-card.tsx';
import { PreviewStage } from './preview-stage.tsx';
import { RecordingCard } from './recording-card.tsx';
import { ShareCard } from './share-card.tsx';
import { SourceBar } from './source-bar.tsx';
import { useDevices } from './use-devices.ts';

const USUAL_PRESET: PresetName = '720p';

export function BroadcastPane() {
  const capture = useConsole((store) => store.state?.capture ?? null);
  const destination = useConsole((store) => store.state?.destination ?? null);
  const list = useDevices();
  const { ask, isBusy, problem } = useAsk();
  const [lastPreset, setLastPreset] = useState<PresetName>(USUAL_PRESET);
  if (!capture || !destination) return <Loading />;
  const { state } = capture;
  const source = sourceIn(state);
  const preset = 'preset' in state ? state.preset : lastPreset;
  // What can't be chosen matters while one chooses.
  const trouble = problem ?? (source === null ? list.problem : null);
  const choose = (next: Source, size: PresetName): void => {
    setLastPreset(size);
    void ask('setSource', { source: next, preset: size });
  };
  return (
    <section className="pane broadcast" aria-labelledby="broadcast-title">
      <h1 id="broadcast-title" className="sr-only">
        Broadcast
      </h1>
      <div className="broadcast-columns">
        <div className="stack">
          <div className="card frame">
            {source === null ? (
              <FirstRun devices={list.devices} isBusy={isBusy} choose={(next) => choose(next, lastPreset)} />
            ) : source.kind === 'external' ? (
              <ExternalPanel />
            ) : state.is === 'failed' ? (
              <FailedStage state={state} />
            ) : (
              <PreviewStage label={source.kind} />
            )}
          </div>
          <Controls capture={state} />
          {source !== null && <SourceBar list={list} source={source} preset={preset} choose={choose} />}
          {trouble !== null && (
            <div className="note" data-tone="warn" role="alert">
              <p>{trouble}</p>
            </div>
          )}
          <EncoderCard progress={capture.progress} />
        </div>
        <div className="stack">
          <LampCard capture={state} />
          {/* Beside the controls, not above them: trouble must not move Stop away from under the hand. */}
          <PlaneNotes />
          <NumbersCard />
          <ShareCard />
          <DestinationCard destination={destination} />
          <RecordingCard capture={capture} />
        </div>
      </div>
    </section>
  );
}

function sourceIn(state: CaptureState): Source | null {
  if (state.is === 'idle') return null;
  return state.is === 'external' ? { kind: 'external' } : state.source;
}

function FailedStage({ state }: { state: Extract<CaptureState, { is: 'failed' }> }) {
  return (
    <div className="empty failed" role="alert">
      <p>
        <strong>{state.reason}</strong>
      </p>
      <p>{state.action}</p>
    </div>
  );
}

function Loading() {
  const connection = useConsole((store) => store.connection);
  return (
    <section className="pane" aria-labelledby="broadcast-title">
      <h1 id="broadcast-title">Broadcast</h1>
      <p className="empty card" role="status">
        {connection === 'lost' ? 'Waiting for the control plane to come back.' : 'Asking the control plane.'}
      </p>
    </section>
  );
}
