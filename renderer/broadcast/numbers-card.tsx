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
  const none = '-';
  return [
    ['Viewers', viewers === null ? none : viewers.toLocaleString('en'), 'Pages that watch now, without this console'],
    ['Offload', sample?.offload == null ? none : percent(sample.offload), 'Share that viewers had from each other'],
    ['Delay, half', sample?.delayP50Ms == null ? none : delay(sample.delayP50Ms), 'Half of the viewers are nearer'],
    ['Delay, 95 %', sample?.delayP95Ms == null ? none : delay(sample.delayP95Ms), '95 of 100 viewers are nearer'],
    ['Uplink', uplink === null ? none : bitRate(uplink), 'What the source sends in'],
    ['Servers send', egress === null ? none : bitRate(egress), 'What the forwards send to viewers'],
  ];
}
