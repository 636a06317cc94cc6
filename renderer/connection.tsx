// What stands between a person and the plane: no token, refused, lost. Says what to do, and shows that it tries again by itself.
import { useEffect, useState } from 'react';
import { StateMark } from './state-mark.tsx';
import { useConsole } from './stores.ts';
import { forgetToken } from './wire/token.ts';
import type { LinkedWire } from './wire/web-wire.ts';

/** Shown instead of everything: nothing is read without the token. */
export function Gate() {
  const isRefused = useConsole((store) => store.connection === 'refused');
  const detail = useConsole((store) => store.detail);
  return (
    <main className="gate">
      <div className="card" role="alert">
        <StateMark tone={isRefused ? 'bad' : 'idle'}>{isRefused ? 'Refused' : 'Locked'}</StateMark>
        <h1>{isRefused ? 'This link is not valid any more' : 'Open the console by its whole link'}</h1>
        {isRefused && detail !== null && <p>{detail}</p>}
        <p>
          {isRefused
            ? 'The control plane makes a new token when it starts anew. Copy the link that it printed last and open it here.'
            : 'The link ends in #token=... and lets you in. This page was opened without it, so nothing was loaded.'}
        </p>
        <p className="soft">
          <code>p2plive up</code> prints the link as <em>console</em>. On a server it is in its log; the desktop app
          opens the console by itself.
        </p>
        {isRefused && (
          <div className="row">
            <button
              type="button"
              onClick={() => {
                forgetToken();
                location.reload();
              }}
            >
              Forget this token
            </button>
          </div>
        )}
      </div>
    </main>
  );
}

export function ConnectionBanner({ wire }: { wire: LinkedWire | null }) {
  const connection = useConsole((store) => store.connection);
  const retryAtMs = useConsole((store) => store.retryAtMs);
  const seconds = useSecondsUntil(retryAtMs);
  const hadState = useConsole((store) => store.state !== null);
  if (connection === 'open' || (connection === 'connecting' && !hadState)) return null;
  return (
    <div className="banner note" data-tone="warn" role="status">
      <StateMark tone="warn">Disconnected</StateMark>
      <p>
        The control plane does not answer; what you see is from before.{' '}
        <span className="sr-only">It is tried again by itself.</span>
        {/* Not read out each second. */}
        <span className="soft" aria-hidden>
          {seconds === null ? 'Trying again now.' : `Trying again in ${seconds} s.`}
        </span>
      </p>
      <button type="button" onClick={() => wire?.retryNow()} disabled={connection !== 'lost'}>
        Try now
      </button>
    </div>
  );
}

/** Whole seconds left, counted down; null when there is no moment to wait for. */
export function useSecondsUntil(atMs: number | null): number | null {
  const [nowMs, setNowMs] = useState(Date.now);
  useEffect(() => {
    if (atMs === null) return;
    setNowMs(Date.now());
    const timer = setInterval(() => setNowMs(Date.now()), 500);
    return () => clearInterval(timer);
  }, [atMs]);
  return atMs === null ? null : Math.max(0, Math.ceil((atMs - nowMs) / 1_000));
}
