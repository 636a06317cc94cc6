// What the forwards themselves have sent, found through the coordinate's and the trackers' debug pages. Where those are closed to us there
// is no number, and the verdict says so.
import * as v from 'valibot';

const CoordinateDebug = v.object({ trackers: v.record(v.string(), v.object({ base: v.string() })) });
const TrackerDebug = v.object({ forwards: v.array(v.object({ debug: v.optional(v.string()) })) });
const ForwardDebug = v.object({
  egressBytes: v.object({ media: v.number(), bootstrap: v.number(), repair: v.number() }),
  ingressBytes: v.number(),
});
const MOST_SERVERS = 64;

/** GET of JSON from a server's debug page; rejects when it is closed to us or too slow. */
export type ReadJson = (url: string) => Promise<unknown>;

/** Media bytes of all forwards since they started, and of the stream as one forward took it in. */
export interface ServerCounters {
  egressBytes: number;
  ingressBytes: number;
}

/** @returns null when any of the pages cannot be read */
export async function readServerCounters(coordinate: string, readJson: ReadJson): Promise<ServerCounters | null> {
  const read = async <S extends v.GenericSchema>(schema: S, url: string): Promise<v.InferOutput<S>> =>
    v.parse(schema, await readJson(url));
  try {
    const { trackers } = await read(CoordinateDebug, `${coordinate}/debug`);
    const bases = Object.values(trackers).slice(0, MOST_SERVERS);
    const pages = await Promise.all(bases.map(({ base }) => read(TrackerDebug, `${base.replace(/\/+$/, '')}/debug`)));
    const urls = [...new Set(pages.flatMap(({ forwards }) => forwards.flatMap(({ debug }) => debug ?? [])))];
    const forwards = await Promise.all(urls.slice(0, MOST_SERVERS).map((url) => read(ForwardDebug, url)));
    if (forwards.length === 0) return null;
    return {
      egressBytes: forwards.reduce((sum, { egressBytes: e }) => sum + e.media + e.bootstrap + e.repair, 0),
      ingressBytes: Math.max(...forwards.map(({ ingressBytes }) => ingressBytes)),
    };
  } catch {
    return null;
  }
}
