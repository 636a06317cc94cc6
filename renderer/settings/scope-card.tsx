// Who can watch, and what each choice means for the person who makes it.
import { useAsk } from '../ask.ts';
import { useConsole } from '../stores.ts';

const SCOPES = [
  {
    to: 'here',
    name: 'This machine',
    detail: 'The servers listen on this machine alone. Nobody else can watch, and nothing about it is visible outside.',
  },
  {
    to: 'network',
    name: 'This network',
    detail:
      'Everybody in this network who has the link can watch. The link shows this machine’s address, and the system may ask whether to let connections in.',
  },
  {
    to: 'server',
    name: 'The world',
    detail:
      'Your own P2PLive server carries it: whoever has the link can watch. Viewers that share learn each other’s addresses. Server and key are set on the Broadcast pane.',
  },
] as const;

export function ScopeCard() {
  const to = useConsole((store) => store.state?.destination.to ?? 'here');
  const isOpen = useConsole((store) => store.connection === 'open');
  const { ask, isBusy, problem } = useAsk();
  return (
    <section className="card stack" aria-labelledby="scope-title">
      <h2 id="scope-title">Who can watch</h2>
      <div className="stack" role="radiogroup" aria-labelledby="scope-title">
        {SCOPES.map((scope) => (
          <label key={scope.to} className="scope">
            <input
              type="radio"
              name="scope"
              checked={to === scope.to}
              disabled={!isOpen || isBusy || (scope.to === 'server' && to !== 'server')}
              onChange={() => void ask('setDestination', { to: scope.to })}
            />
            <span>
              <strong>{scope.name}</strong>
              <span className="small soft">{scope.detail}</span>
            </span>
          </label>
        ))}
      </div>
      {problem !== null && (
        <p className="problem" role="alert">
          {problem}
        </p>
      )}
    </section>
  );
}
