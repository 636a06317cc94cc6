// Fills the stores from a wire: reads everything when the wire opens, follows the events after that, and reads the mesh again when
// a number was skipped. First load, reload and reconnect are one path.
import type { Events, LogLine } from '../protocol/control.ts';
import type { Sample } from '../protocol/history.ts';
import { applyBatch } from './mesh-batch.ts';
import { setWire, useConsole, useHistory, useLogs, useMesh, withAllTables } from './stores.ts';
import type { LinkedWire } from './wire/web-wire.ts';

/** Half an hour, and some for clocks that differ; the plane's memory is bounded too. */
const HISTORY_MS = 40 * 60_000;
const DAY_MS = 86_400_000;
/** Two hours of samples: what a console left open keeps. */
const MAX_SAMPLES = 7_200;
const MAX_MARKERS = 5_000;
const MAX_LINES = 5_000;
const FIRST_LINES = 1_000;
const CLOCK_NOISE_MS = 1_500;
/** Batches kept while the mesh is read again; more would be older than its answer anyway. */
const MAX_EARLY_BATCHES = 1_000;

type Batch = Events['meshChanged'];

/** @returns stops following */
export function follow(wire: LinkedWire): () => void {
  setWire(wire);
  /** Not null while `getMesh` is on its way: what comes meanwhile. */
  let early: Batch[] | null = null;
  let isStopped = false;
  /** Counts openings, so that answers of an older one are dropped. */
  let opening = 0;

  const readMesh = async (): Promise<void> => {
    if (early) return;
    early = [];
    const mine = opening;
    const outcome = await wire.call('getMesh', undefined);
    if (isStopped || mine !== opening) return;
    const missed: Batch[] = early ?? [];
    early = null;
    if (!outcome.ok) return;
    useMesh.setState({ serial: outcome.value.serial, tables: withAllTables(outcome.value.tables) });
    for (const batch of missed) takeBatch(batch);
  };
  const takeBatch = (batch: Batch): void => {
    if (early) {
      if (early.length < MAX_EARLY_BATCHES) early.push(batch);
      return;
    }
    const { serial, tables } = useMesh.getState();
    if (serial !== null && batch.serial <= serial) return;
    if (serial === null || batch.serial !== serial + 1) return void readMesh();
    useMesh.setState({ serial: batch.serial, tables: applyBatch(tables, batch.changes) });
  };

  const readAll = async (): Promise<void> => {
    const mine = ++opening;
    early = null;
    // The plane may be another one than before: its numbers begin anew.
    useMesh.setState({ serial: null });
    const nowMs = Date.now();
    const [state, history, logs] = await Promise.all([
      wire.call('getState', undefined),
      wire.call('getHistory', { fromMs: nowMs - HISTORY_MS, toMs: nowMs + DAY_MS }),
      wire.call('getLogs', { most: FIRST_LINES }),
      readMesh(),
    ]);
    if (isStopped || mine !== opening) return;
    if (state.ok) useConsole.setState({ state: state.value });
    if (history.ok) {
      const { samples, markers, oldestMs } = history.value;
      useHistory.setState({ samples, markers, oldestMs });
    }
    useLogs.setState({ lines: logs.ok ? logs.value : [], isLoaded: true });
  };

  const hear = <E extends keyof Events>(event: E, value: Events[E]): void => {
    const said = { event, value } as { [K in keyof Events]: { event: K; value: Events[K] } }[keyof Events];
    switch (said.event) {
      case 'changed':
        return useConsole.setState({ state: said.value.state });
      case 'meshChanged':
        return takeBatch(said.value);
      case 'sampled':
        heedClock(said.value.atMs);
        return useHistory.setState(({ samples }) => ({ samples: withSample(samples, said.value) }));
      case 'marked':
        return useHistory.setState(({ markers }) => ({ markers: [...markers, said.value].slice(-MAX_MARKERS) }));
      case 'logged':
        return useLogs.setState(({ lines }) => ({ lines: withLines(lines, said.value.lines) }));
    }
  };

  const stopListening = wire.listen(hear);
  const stopWatching = wire.watchLink((link) => {
    const detail = link.is === 'refused' ? link.detail : null;
    useConsole.setState({ connection: link.is, detail, retryAtMs: link.is === 'lost' ? link.retryAtMs : null });
    if (link.is === 'open') void readAll();
  });
  return () => {
    isStopped = true;
    stopListening();
    stopWatching();
    setWire(null);
  };
}

/** A sample is taken just before it is heard. Small differences are the way's, not the clock's. */
function heedClock(planeMs: number): void {
  const offsetMs = planeMs - Date.now();
  if (Math.abs(offsetMs - useConsole.getState().clockOffsetMs) > CLOCK_NOISE_MS)
    useConsole.setState({ clockOffsetMs: Math.abs(offsetMs) > CLOCK_NOISE_MS ? offsetMs : 0 });
}

/** A sample that came with the history too is not counted twice. */
function withSample(samples: readonly Sample[], next: Sample): readonly Sample[] {
  const last = samples.at(-1);
  if (last && next.atMs <= last.atMs) return samples;
  return [...samples.slice(-(MAX_SAMPLES - 1)), next];
}

function withLines(lines: readonly LogLine[], more: readonly LogLine[]): readonly LogLine[] {
  const last = lines.at(-1)?.serial ?? -1;
  const fresh = more.filter((line) => line.serial > last);
  return fresh.length === 0 ? lines : [...lines, ...fresh].slice(-MAX_LINES);
}
