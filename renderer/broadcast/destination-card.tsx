// Where Go live goes: this computer, this network, a server of one's own.
import { useState, type FormEvent } from 'react';
import type { Destination } from '../../protocol/control.ts';
import { useAsk } from '../ask.ts';
import { useConsole } from '../stores.ts';

const CHOICES: readonly { to: Destination['to']; name: string; detail: string }[] = [
  { to: 'here', name: 'This computer', detail: 'Only this computer can watch.' },
  { to: 'network', name: 'This network', detail: 'Everybody in this network can watch.' },
  { to: 'server', name: 'My server', detail: 'A P2PLive server of yours carries it to the world.' },
];

export function DestinationCard({ destination }: { destination: Destination }) {
  const { ask, isBusy, problem } = useAsk();
  const isOpen = useConsole((store) => store.connection === 'open');
  const [asksServer, setAsksServer] = useState(false);
  const shown = asksServer ? 'server' : destination.to;
  const isOnAir = useConsole(({ state }) => state?.capture.state.is === 'live');
  const pick = (to: Destination['to']): void => {
    setAsksServer(to === 'server');
    if (to !== 'server') void ask('setDestination', { to });
  };
  return (
    <section className="card stack" aria-labelledby="destination-title">
      <h2 id="destination-title">Where to</h2>
      <div className="segments" role="radiogroup" aria-labelledby="destination-title">
        {CHOICES.map(({ to, name }) => (
          <label key={to} data-on={shown === to}>
            <input
              type="radio"
              name="destination"
              value={to}
              checked={shown === to}
              disabled={!isOpen || isBusy}
              onChange={() => pick(to)}
            />
            {name}
          </label>
        ))}
      </div>
      <p className="small soft">
        {CHOICES.find(({ to }) => to === shown)?.detail}
        {isOnAir ? ' A change now interrupts the viewers for some seconds.' : ''}
      </p>
      {shown === 'server' && (
        <ServerForm
          key={destination.to === 'server' ? destination.coordinate : ''}
          destination={destination}
          isBusy={isBusy}
          save={(coordinate, key) =>
            void ask('setDestination', { to: 'server', coordinate, ...(key === '' ? {} : { key }) }).then((isDone) => {
              if (isDone) setAsksServer(false);
            })
          }
        />
      )}
      {problem !== null && (
        <p className="problem" role="alert">
          {problem}
        </p>
      )}
    </section>
  );
}

function ServerForm({
  destination,
  isBusy,
  save,
}: {
  destination: Destination;
  isBusy: boolean;
  save: (coordinate: string, key: string) => void;
}) {
  const kept = destination.to === 'server' ? destination : null;
  const [coordinate, setCoordinate] = useState(kept?.coordinate ?? '');
  const [key, setKey] = useState('');
  const [wrong, setWrong] = useState<string | null>(null);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    const isUrl = URL.canParse(coordinate) && /^https?:$/.test(new URL(coordinate).protocol);
    setWrong(isUrl ? null : 'An address such as https://live.example.org');
    if (isUrl) save(coordinate, key);
  };
  return (
    <form className="stack" onSubmit={submit} noValidate>
      <label className="field">
        <span>Server address</span>
        <input
          type="url"
          value={coordinate}
          placeholder="https://live.example.org"
          aria-invalid={wrong !== null}
          aria-describedby="server-wrong"
          onChange={(event) => setCoordinate(event.target.value)}
        />
      </label>
      {wrong !== null && (
        <p id="server-wrong" className="problem" role="alert">
          {wrong}
        </p>
      )}
      <label className="field">
        <span>{kept?.hasKey ? 'Stream key (one is kept; type to replace it)' : 'Stream key'}</span>
        <input type="password" autoComplete="off" value={key} onChange={(event) => setKey(event.target.value)} />
      </label>
      <div className="row">
        <button type="submit" className="primary" disabled={isBusy}>
          Use this server
        </button>
      </div>
    </form>
  );
}
