// The stream key: who knows it may broadcast here.
import { useState } from 'react';
import { useAsk } from '../ask.ts';
import { ConfirmDialog } from '../confirm-dialog.tsx';
import { CopyButton } from '../copy-button.tsx';
import { useConsole } from '../stores.ts';

export function KeyCard() {
  const key = useConsole((store) => store.state?.push?.key ?? null);
  const { ask, isBusy, problem } = useAsk();
  const [isShown, setIsShown] = useState(false);
  return (
    <section className="card stack" aria-labelledby="key-title">
      <h2 id="key-title">Stream key</h2>
      <p className="small soft">Who knows it may broadcast here. It was made at random; hand it to nobody else.</p>
      <div className="row">
        <code>{key === null ? 'None is needed here.' : isShown ? key : '•'.repeat(16)}</code>
        <span className="space" />
        {key !== null && (
          <>
            <button type="button" aria-pressed={isShown} onClick={() => setIsShown(!isShown)}>
              {isShown ? 'Hide' : 'Show'}
            </button>
            <CopyButton text={key} what="the stream key" />
          </>
        )}
        <ConfirmDialog
          trigger={
            <button type="button" disabled={isBusy}>
              New key
            </button>
          }
          title="Make a new stream key?"
          detail="The old one stops working at once: encoders that use it are refused until they have the new one."
          confirm="Make a new key"
          onConfirm={() => void ask('newStreamKey')}
        />
      </div>
      {problem !== null && (
        <p className="problem" role="alert">
          {problem}
        </p>
      )}
    </section>
  );
}
