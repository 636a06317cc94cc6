// What a person should know about the plane itself: programs that failed, a missing ffmpeg, its notes.
import type { ProgramState } from '../protocol/control.ts';
import { useAsk } from './ask.ts';
import { StateMark } from './state-mark.tsx';
import { useConsole } from './stores.ts';

export function PlaneNotes() {
  const notes = useConsole((store) => store.state?.notes);
  const problem = useConsole((store) => store.state?.ffmpeg.problem ?? null);
  const programs = useConsole((store) => store.state?.programs);
  const { ask, problem: askProblem } = useAsk();
  const broken = Object.entries(programs ?? {}).filter(([, state]) => state.is === 'failed' || state.is === 'backoff');
  return (
    <>
      {broken.map(([name, state]) => (
        <div key={name} className="note" data-tone="bad" role="status">
          <StateMark tone="bad">{name}</StateMark>
          <p>{sentenceOf(state)}</p>
          <button type="button" onClick={() => void ask('restartProgram', { name })}>
            Restart {name}
          </button>
        </div>
      ))}
      {problem !== null && (
        <div className="note" data-tone="warn" role="status">
          <StateMark tone="warn">ffmpeg</StateMark>
          <p>{problem}</p>
        </div>
      )}
      {(notes ?? []).map((note) => (
        <div key={note} className="note" role="status">
          <StateMark tone="idle">Note</StateMark>
          <p>{note}</p>
        </div>
      ))}
      {askProblem !== null && (
        <p className="problem" role="alert">
          {askProblem}
        </p>
      )}
    </>
  );
}

function sentenceOf(state: ProgramState): string {
  if (state.is === 'failed') return state.detail;
  if (state.is === 'backoff') return `${state.ending} It is started again (try ${state.attempt}).`;
  return '';
}
