// How it goes, in six numbers of the newest second.
import { useConsole, useHistory } from '../stores.ts';
import { numbersOf } from './numbers.ts';

export function NumbersCard() {
  const sample = useHistory((history) => history.samples.at(-1) ?? null);
  const uplink = useConsole((store) => store.state?.capture.progress?.bitsPerSecond ?? null);
  return (
    <section className="card" aria-label="Numbers">
      <dl className="numbers">
        {numbersOf(sample, uplink).map(([name, value, title]) => (
          <div key={name} title={title}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
