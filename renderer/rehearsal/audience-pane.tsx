// The Audience pane: real peers that watch what is on air, to see before the show how the mesh does with people like these.
import { useId, useState } from 'react';
import { UPLINK_PROFILES, type AudienceAsk, type AudienceView } from '../../protocol/rehearsal.ts';
import { useAsk } from '../ask.ts';
import { StateMark } from '../state-mark.tsx';
import { useConsole } from '../stores.ts';
import './rehearsal.css';
import { SecondsTable } from './seconds-table.tsx';
import { VerdictList } from './verdict-list.tsx';

const PROFILES: Record<AudienceAsk['uplink'], string> = {
  equal: 'Equal: this machine’s own speed',
  ordinary: 'Ordinary: a fifth cannot upload, half carry one copy, the others three',
  rich: 'Rich: fibre for most',
  mobile: 'Mobile: half cannot upload',
};

export function AudiencePane() {
  const view = useConsole((store) => store.state?.audience ?? null);
  const isLive = useConsole((store) => store.state?.capture.state.is === 'live');
  return (
    <section className="pane rehearsal" aria-labelledby="audience-title">
      <h1 id="audience-title">Audience</h1>
      <p className="soft">
        Synthetic viewers on this machine watch the stream as real ones do: over WebRTC, with uplinks as narrow as you
        say. They cost this machine’s processors; about fifty are what two cores carry.
      </p>
      {view === null ? <p className="empty">Loading.</p> : <Parts view={view} isLive={isLive} />}
    </section>
  );
}

function Parts({ view, isLive }: { view: AudienceView; isLive: boolean }) {
  const isRunning = view.is === 'joining' || view.is === 'watching';
  return (
    <>
      {isRunning ? <Running view={view} /> : <StartForm isLive={isLive} />}
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

const FIELDS = [
  { key: 'viewers', label: 'Viewers', least: 1, most: 200, step: 1, unit: '' },
  { key: 'churnPerMinute', label: 'Leave each minute', least: 0, most: 300, step: 5, unit: '%' },
  { key: 'loss', label: 'Packets lost', least: 0, most: 50, step: 0.5, unit: '%' },
  { key: 'evil', label: 'Misbehave', least: 0, most: 50, step: 1, unit: '%' },
  { key: 'seconds', label: 'Watch for', least: 5, most: 86_400, step: 5, unit: 's' },
  { key: 'seed', label: 'Seed', least: 0, most: 2 ** 31, step: 1, unit: '' },
] as const;
const FIRST: Record<(typeof FIELDS)[number]['key'], number> = {
  viewers: 20,
  churnPerMinute: 15,
  loss: 0,
  evil: 0,
  seconds: 60,
  seed: 1,
};

function StartForm({ isLive }: { isLive: boolean }) {
  const { ask, isBusy, problem } = useAsk();
  const [values, setValues] = useState(FIRST);
  const [uplink, setUplink] = useState<AudienceAsk['uplink']>('equal');
  const id = useId();
  const start = (): void => {
    const share = (percent: number): number => percent / 100;
    const { viewers, seconds, seed } = values;
    void ask('startAudience', {
      viewers,
      seconds,
      seed,
      uplink,
      churnPerMinute: share(values.churnPerMinute),
      loss: share(values.loss),
      evil: share(values.evil),
    });
  };
  return (
    <form
      className="card stack"
      aria-label="A new audience"
      onSubmit={(event) => {
        event.preventDefault();
        start();
      }}
    >
      <div className="ask-grid">
        <label htmlFor={`${id}-uplink`}>Uplinks</label>
        <select
          id={`${id}-uplink`}
          value={uplink}
          onChange={(event) => setUplink(UPLINK_PROFILES.find((one) => one === event.target.value) ?? 'equal')}
        >
          {UPLINK_PROFILES.map((profile) => (
            <option key={profile} value={profile}>
              {PROFILES[profile]}
            </option>
          ))}
        </select>
        {FIELDS.map(({ key, label, least, most, step, unit }) => (
          <div key={key} className="ask-field">
            <label htmlFor={`${id}-${key}`}>
              {label}
              {unit === '' ? '' : ` (${unit})`}
            </label>
            <input
              id={`${id}-${key}`}
              type="number"
              min={least}
              max={most}
              step={step}
              required
              value={values[key]}
              onChange={(event) => setValues({ ...values, [key]: event.target.valueAsNumber })}
            />
          </div>
        ))}
      </div>
      <div className="row">
        <button type="submit" className="go" disabled={isBusy || !isLive}>
          Start the audience
        </button>
        {!isLive && <span className="soft">Go live first: an audience needs something to watch.</span>}
      </div>
      {problem !== null && (
        <p className="problem" role="alert">
          {problem}
        </p>
      )}
    </form>
  );
}
