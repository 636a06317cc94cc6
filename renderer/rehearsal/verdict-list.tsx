// A verdict in sentences, what failed first.
import type { Verdict } from '../../protocol/rehearsal.ts';
import { StateMark } from '../state-mark.tsx';

export function VerdictMark({ verdict }: Pick<Verdict, 'verdict'>) {
  const isPassed = verdict === 'passed';
  return <StateMark tone={isPassed ? 'good' : 'bad'}>{isPassed ? 'Passed' : 'Failed'}</StateMark>;
}

export function VerdictList({ title, verdict }: { title: string | null; verdict: Verdict }) {
  return (
    <section className={title === null ? 'stack' : 'card stack'} aria-label="Verdict">
      {title !== null && (
        <div className="row">
          <h2>{title}</h2>
          <VerdictMark verdict={verdict.verdict} />
        </div>
      )}
      <ul className="sentences">
        {verdict.sentences.map((sentence) => (
          <li key={sentence}>{sentence}</li>
        ))}
      </ul>
    </section>
  );
}
