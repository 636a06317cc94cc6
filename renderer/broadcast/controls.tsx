// The big buttons: Go live, Stop, Reconnect now. Stop and Reconnect are never held back by another call.
import type { CaptureState } from '../../protocol/capture-state.ts';
import { useAsk } from '../ask.ts';
import { useConsole } from '../stores.ts';

export function Controls({ capture }: { capture: CaptureState }) {
  const { ask, isBusy, problem } = useAsk();
  const isOpen = useConsole((store) => store.connection === 'open');
  const isOnAir = capture.is === 'live' || capture.is === 'reconnecting';
  return (
    <div className="controls">
      {capture.is !== 'external' && (
        <>
          <button
            type="button"
            className="big primary"
            disabled={!isOpen || isBusy || (capture.is !== 'previewing' && capture.is !== 'starting')}
            onClick={() => void ask('goLive')}
          >
            Go live
          </button>
          {/* Beside it, never in its place: a double press must not stop what it has begun. */}
          <button
            type="button"
            className={isOnAir ? 'big stop' : 'big'}
            disabled={!isOpen || !isOnAir}
            onClick={() => void ask('stopLive')}
          >
            Stop
          </button>
        </>
      )}
      {capture.is === 'reconnecting' && (
        <button type="button" className="big" disabled={!isOpen} onClick={() => void ask('reconnectNow')}>
          Reconnect now
        </button>
      )}
      {capture.is === 'failed' && (
        <button
          type="button"
          className="big"
          disabled={!isOpen || isBusy}
          onClick={() => void ask('setSource', { source: capture.source, preset: capture.preset })}
        >
          Try again
        </button>
      )}
      {!isOnAir && capture.is !== 'idle' && (
        <button type="button" disabled={!isOpen} onClick={() => void ask('stopPreview')}>
          {capture.is === 'external' || capture.is === 'failed' ? 'Choose another source' : 'Close preview'}
        </button>
      )}
      <p className="controls-problem" role="alert">
        {problem}
      </p>
    </div>
  );
}
