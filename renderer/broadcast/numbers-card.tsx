// How it goes, in six numbers of the newest second.
import type { Sample } from '../../protocol/history.ts';
import { bitRate, delay, percent } from '../format.ts';
import { useConsole, useHistory, useMesh } from '../stores.ts';
import { useMonitor } from './monitor-store.ts';

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

/** @param isMonitorCounted the console's own monitor is among the sample's viewers: it is no audience */
export function numbersOf(
  sample: Sample | null,
  uplink: number | null,
  isMonitorCounted: boolean,
): [name: string, value: string, title: string][] {
  const egress = sample && Object.values(sample.egressBitsPerSecond).reduce((sum, part) => sum + part, 0);
  const viewers = sample && Math.max(0, sample.viewers - (isMonitorCounted ? 1 : 0));
  const or = (value: number | null | undefined, text: (value: number) => string): string =>
    value === null || value === undefined ? '-' : text(value);
  return [
    ['Viewers', or(viewers, (n) => n.toLocaleString('en')), 'Pages that watch now, without this console'],
    ['Offload', or(sample?.offload, percent), 'Share that viewers had from each other'],
    ['Delay, half', or(sample?.delayP50Ms, delay), 'Half of the viewers are nearer'],
    ['Delay, 95 %', or(sample?.delayP95Ms, delay), '95 of 100 viewers are nearer'],
    ['Uplink', or(uplink, bitRate), 'What the source sends in'],
    ['Servers send', or(egress, bitRate), 'What the forwards send to viewers'],
  ];
}
