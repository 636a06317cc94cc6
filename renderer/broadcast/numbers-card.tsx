// How it goes, in six numbers of the newest second.
import { useConsole, useHistory, useMesh } from '../stores.ts';
import { useMonitor } from './monitor-store.ts';
import { numbersOf } from './numbers.ts';

export function NumbersCard() {
  const sample = useHistory((history) => history.samples.at(-1) ?? null);
  const uplink = useConsole((store) => store.state?.capture.progress?.bitsPerSecond ?? null);
  const monitorId = useMonitor((monitor) => monitor.report?.id ?? null);
  const isCounted = useMesh((mesh) => monitorId !== null && mesh.tables.viewers[monitorId] !== undefined);
  return (
    <section className="card" aria-label="Numbers">
      <dl className="numbers">
        {numbersOf(sample, uplink, isCounted).map(([name, value, title]) => (
          <div key={name} title={title}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
