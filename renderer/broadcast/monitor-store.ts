// What the monitor last said, and the lamp worked out from everything that is known.
import { useEffect, useState } from 'react';
import { create } from 'zustand';
import type { MeshTables } from '../../protocol/mesh-tables.ts';
import { planeNowMs, useConsole, useMesh } from '../stores.ts';
import { lampOf, type Lamp } from './lamp.ts';
import { watchTarget, type MonitorReport } from './monitor.ts';

/** null while no monitor runs. */
export const useMonitor = create<{ report: MonitorReport | null }>(() => ({ report: null }));

const LOOK_EVERY_MS = 500;

/** Name of the stream that the link leads to. */
export function useStreamName(): string {
  const link = useConsole((store) => store.state?.link ?? null);
  return (link === null ? null : watchTarget(link)?.stream) ?? 'live';
}

/** Viewers that say they play, without the console's own monitor. */
export function playingIn(tables: MeshTables, monitorId: string | null): number {
  let playing = 0;
  for (const row of Object.values(tables.viewers))
    if (row.state === 'playing' && row.role === 'viewer' && row.id !== monitorId) playing++;
  return playing;
}

/** The lamp now; looks again twice a second. */
export function useLamp(): Lamp | null {
  const capture = useConsole((store) => store.state?.capture.state ?? null);
  const isConnected = useConsole((store) => store.connection === 'open');
  const name = useStreamName();
  const streamState = useMesh((mesh) => mesh.tables.streams[name]?.state ?? null);
  const report = useMonitor((monitor) => monitor.report);
  const playing = useMesh((mesh) => playingIn(mesh.tables, report?.id ?? null));
  const [nowMs, setNowMs] = useState(planeNowMs);
  const [liveSinceMs, setLiveSinceMs] = useState<number | null>(null);
  useEffect(() => {
    setLiveSinceMs(streamState === 'live' ? planeNowMs() : null);
  }, [streamState]);
  useEffect(() => {
    const timer = setInterval(() => setNowMs(planeNowMs()), LOOK_EVERY_MS);
    return () => clearInterval(timer);
  }, []);
  if (capture === null) return null;
  const frameAgeMs =
    report === null || report.lastFrameAtMs === null ? null : Math.max(0, Date.now() - report.lastFrameAtMs);
  return lampOf({
    capture,
    streamState,
    streamLiveSinceMs: liveSinceMs,
    isConnected,
    monitor: report && { frameAgeMs, delayMs: report.delayMs, problem: report.problem },
    playing,
    nowMs,
  });
}
