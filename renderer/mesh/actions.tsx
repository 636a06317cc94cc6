// What an operator can do with the chosen viewer or server; each asks first, and says what came of it.
import { useEffect, useRef, useState } from 'react';
import { call, useConsole, useHistory } from '../stores.ts';

interface Deed {
  name: string;
  question: string;
  isDanger: boolean;
  run: () => Promise<{ ok: true } | { ok: false; detail: string }>;
}

export function Actions({ viewer, program }: { viewer: string | null; program: string | null }) {
  const isPast = useHistory((history) => history.cursorMs !== null);
  const state = useConsole((store) => (program === null ? undefined : store.state?.programs[program]));
  const [asked, setAsked] = useState<Deed | null>(null);
  const [said, setSaid] = useState('');
  useEffect(() => setSaid(''), [viewer, program]);
  const deeds = viewer === null ? (program === null ? [] : programDeeds(program, state?.is)) : [disconnect(viewer)];
  if (deeds.length === 0) return null;
  if (isPast) return <p className="soft small">Go back to live to act on it.</p>;
  return (
    <section className="actions">
      <div className="row">
        {deeds.map((deed) => (
          <button
            key={deed.name}
            type="button"
            className={deed.isDanger ? 'danger' : ''}
            onClick={() => setAsked(deed)}
          >
            {deed.name}
          </button>
        ))}
      </div>
      <p className="small" role="status">
        {said}
      </p>
      {asked && (
        <Confirm
          deed={asked}
          onDone={(words) => {
            setAsked(null);
            setSaid(words);
          }}
        />
      )}
    </section>
  );
}

function Confirm({ deed, onDone }: { deed: Deed; onDone: (said: string) => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [isRunning, setIsRunning] = useState(false);
  useEffect(() => dialog.current?.showModal(), []);
  const run = async (): Promise<void> => {
    setIsRunning(true);
    const outcome = await deed.run();
    onDone(outcome.ok ? `${deed.name}: done.` : `${deed.name} was not done: ${outcome.detail}`);
  };
  return (
    <dialog ref={dialog} className="confirm" aria-labelledby="confirm-title" onClose={() => onDone('')}>
      <h2 id="confirm-title">{deed.name}?</h2>
      <p>{deed.question}</p>
      <div className="row">
        <span className="space" />
        <button type="button" onClick={() => onDone('')}>
          Cancel
        </button>
        <button
          type="button"
          className={deed.isDanger ? 'stop' : 'primary'}
          disabled={isRunning}
          onClick={() => void run()}
        >
          {deed.name}
        </button>
      </div>
    </dialog>
  );
}

const disconnect = (viewer: string): Deed => ({
  name: 'Disconnect viewer',
  question: `${viewer} loses its place; those it feeds get another parent. Its page may come back by itself.`,
  isDanger: true,
  run: () => call('disconnectViewer', { viewer }),
});

function programDeeds(name: string, is: string | undefined): Deed[] {
  if (is === 'stopped' || is === 'failed')
    return [{ name: 'Start', question: `Starts ${name}.`, isDanger: false, run: () => call('startProgram', { name }) }];
  return [
    {
      name: 'Restart',
      question: `${name} ends and starts again. Viewers go on with what they have from each other.`,
      isDanger: false,
      run: () => call('restartProgram', { name }),
    },
    {
      name: 'Stop',
      question: `${name} ends at once and stays stopped until you start it.`,
      isDanger: true,
      run: () => call('stopProgram', { name }),
    },
  ];
}
