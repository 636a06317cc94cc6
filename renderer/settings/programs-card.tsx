// The programs that the plane looks after: state, pid, uptime, and what can be done to each.
import type { ProgramState } from '../../protocol/control.ts';
import { useAsk } from '../ask.ts';
import { ConfirmDialog } from '../confirm-dialog.tsx';
import { useSecondsUntil } from '../connection.tsx';
import { duration } from '../format.ts';
import { StateMark, type Tone } from '../state-mark.tsx';
import { planeNowMs, useConsole, useHistory } from '../stores.ts';

const WORDS: Record<ProgramState['is'], readonly [Tone, string]> = {
  ready: ['good', 'Running'],
  starting: ['busy', 'Starting'],
  stopped: ['idle', 'Stopped'],
  backoff: ['warn', 'Starts again'],
  failed: ['bad', 'Failed'],
};

export function ProgramsCard() {
  const programs = useConsole((store) => store.state?.programs);
  const { ask, problem } = useAsk();
  // A sample a second is the clock of the uptimes.
  useHistory((history) => history.samples.at(-1)?.atMs);
  const entries = Object.entries(programs ?? {});
  return (
    <section className="card stack" aria-labelledby="programs-title">
      <h2 id="programs-title">Programs</h2>
      {entries.length === 0 ? (
        <p className="soft">No program is looked after from here.</p>
      ) : (
        <div className="table-box">
          <table>
            <thead>
              <tr>
                <th scope="col">Program</th>
                <th scope="col">State</th>
                <th scope="col" className="number">
                  Pid
                </th>
                <th scope="col" className="number">
                  Up for
                </th>
                <th scope="col">
                  <span className="sr-only">Actions</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {entries.map(([name, state]) => (
                <ProgramRow key={name} name={name} state={state} ask={ask} />
              ))}
            </tbody>
          </table>
        </div>
      )}
      {problem !== null && (
        <p className="problem" role="alert">
          {problem}
        </p>
      )}
    </section>
  );
}

function ProgramRow({
  name,
  state,
  ask,
}: {
  name: string;
  state: ProgramState;
  ask: ReturnType<typeof useAsk>['ask'];
}) {
  const [tone, word] = WORDS[state.is];
  const seconds = useSecondsUntil(state.is === 'backoff' ? state.untilMs : null);
  const isRunning = state.is === 'ready' || state.is === 'starting' || state.is === 'backoff';
  return (
    <tr>
      <th scope="row">{name}</th>
      <td>
        <StateMark tone={tone}>{seconds === null ? word : `${word} in ${seconds} s`}</StateMark>
        {state.is === 'failed' && <p className="small problem">{state.detail}</p>}
        {state.is === 'backoff' && <p className="small soft">{state.ending}</p>}
      </td>
      <td className="number">{state.is === 'ready' ? state.pid : '-'}</td>
      <td className="number">{state.is === 'ready' ? duration(planeNowMs() - state.sinceMs) : '-'}</td>
      <td>
        <div className="row program-actions">
          {isRunning ? (
            <ConfirmDialog
              trigger={
                <button type="button" aria-label={`Stop ${name}`}>
                  Stop
                </button>
              }
              title={`Stop ${name}?`}
              detail="Viewers that need it stand still, or change to another, until it is started again."
              confirm={`Stop ${name}`}
              onConfirm={() => void ask('stopProgram', { name })}
            />
          ) : (
            <button type="button" aria-label={`Start ${name}`} onClick={() => void ask('startProgram', { name })}>
              Start
            </button>
          )}
          <button type="button" aria-label={`Restart ${name}`} onClick={() => void ask('restartProgram', { name })}>
            Restart
          </button>
        </div>
      </td>
    </tr>
  );
}
