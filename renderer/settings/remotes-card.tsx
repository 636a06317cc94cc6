// Other systems whose mesh is shown too: found through their coordinate.
import { useState, type FormEvent } from 'react';
import { useAsk } from '../ask.ts';
import { StateMark, type Tone } from '../state-mark.tsx';
import { useConsole } from '../stores.ts';

const TONES: Record<string, Tone> = { open: 'good', connecting: 'busy', refused: 'bad', lost: 'warn' };

export function RemotesCard() {
  const remotes = useConsole((store) => store.state?.remotes);
  const { ask, isBusy, problem } = useAsk();
  const [coordinate, setCoordinate] = useState('');
  const [token, setToken] = useState('');
  const [wrong, setWrong] = useState<string | null>(null);
  const add = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    const isUrl = URL.canParse(coordinate) && /^https?:$/.test(new URL(coordinate).protocol);
    setWrong(isUrl ? null : 'An address such as https://live.example.org');
    if (!isUrl) return;
    const isDone = await ask('addRemote', { coordinate, ...(token === '' ? {} : { token }) });
    if (!isDone) return;
    setCoordinate('');
    setToken('');
  };
  return (
    <section className="card stack" aria-labelledby="remotes-title">
      <h2 id="remotes-title">Remote systems</h2>
      {(remotes ?? []).length === 0 && (
        <p className="small soft">None. Add a coordinate to see its mesh beside this one.</p>
      )}
      <ul className="stack">
        {(remotes ?? []).map((remote) => (
          <li key={remote.coordinate} className="row">
            <StateMark tone={TONES[remote.state] ?? 'idle'}>{remote.state}</StateMark>
            <code>{remote.coordinate}</code>
            <span className="small soft">{remote.why ?? (remote.hasToken ? 'with a token' : 'without a token')}</span>
            <span className="space" />
            <button
              type="button"
              aria-label={`Remove ${remote.coordinate}`}
              onClick={() => void ask('removeRemote', { coordinate: remote.coordinate })}
            >
              Remove
            </button>
          </li>
        ))}
      </ul>
      <form className="remote-form" onSubmit={(event) => void add(event)} noValidate>
        <label className="field">
          <span>Coordinate</span>
          <input
            type="url"
            value={coordinate}
            placeholder="https://live.example.org"
            aria-invalid={wrong !== null}
            onChange={(event) => setCoordinate(event.target.value)}
          />
        </label>
        <label className="field">
          <span>Debug token</span>
          <input type="password" autoComplete="off" value={token} onChange={(event) => setToken(event.target.value)} />
        </label>
        <button type="submit" disabled={isBusy}>
          Add
        </button>
      </form>
      {(wrong ?? problem) !== null && (
        <p className="problem" role="alert">
          {wrong ?? problem}
        </p>
      )}
    </section>
  );
}
