// The Audience pane: real peers that watch what is on air, to see before the show how the mesh does with people like these.
import type { AudienceView } from '../../protocol/rehearsal.ts';
import { useAsk } from '../ask.ts';
import { StateMark } from '../state-mark.tsx';
import { useConsole } from '../stores.ts';
import './rehearsal.css';
import { useOnAir } from './on-air.ts';
import { SecondsTable } from './seconds-table.tsx';
import { StartForm } from './start-form.tsx';
import { VerdictList } from './verdict-list.tsx';

export function AudiencePane() {
  const view = useConsole((store) => store.state?.audience ?? null);
  const isLive = useOnAir();
  const limits = useConsole((store) => store.state?.audienceLimits ?? null);
  return (
    <section className="pane rehearsal" aria-labelledby="audience-title">
      <h1 id="audience-title">Audience</h1>
      <p className="soft">
        Synthetic viewers on this machine watch the stream as real ones do: over WebRTC, with uplinks as narrow as you
        say. {limits?.says}
      </p>
      {view === null || limits === null ? (
        <p className="empty">Loading.</p>
      ) : (
        <Parts view={view} isLive={isLive} most={limits.viewers} />
      )}
    </section>
  );
}

function Parts({ view, isLive, most }: { view: AudienceView; isLive: boolean; most: number }) {
  const isRunning = view.is === 'joining' || view.is === 'watching';
  return (
    <>
      {isRunning ? (
        <Running view={view} />
      ) : (
        <StartForm isLive={isLive} most={most} last={view.is === 'done' ? view.ask : null} />
      )}
      {view.is === 'failed' && (
        <p className="problem" role="alert">
          {view.detail}
        </p>
      )}
      {view.is === 'done' && <VerdictList title="Last audience" verdict={view.result} />}
      {view.is !== 'none' && view.is !== 'failed' && <SecondsTable seconds={view.seconds} />}
    </>
  );
}

function Running({ view }: { view: Extract<AudienceView, { is: 'joining' | 'watching' }> }) {
  const { ask, isBusy, problem } = useAsk();
  const last = view.seconds.at(-1);
  return (
    <section className="card stack" aria-label="Running audience">
      <div className="row">
        <StateMark tone={view.is === 'watching' ? 'good' : 'busy'}>
          {view.is === 'watching' ? 'Watching' : 'Joining'}
        </StateMark>
        <span>
          {last?.playing ?? 0} of {view.ask.viewers} play; uplinks: {view.ask.uplink}
        </span>
        <span className="space" />
        <button type="button" className="stop" disabled={isBusy} onClick={() => void ask('stopAudience')}>
          End it with a verdict
        </button>
      </div>
      {problem !== null && (
        <p className="problem" role="alert">
          {problem}
        </p>
      )}
    </section>
  );
}
