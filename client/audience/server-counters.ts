// What the forwards themselves have sent since a moment, found through the coordinate's and the trackers' debug pages and looked at every
// second, since a forward that is killed takes its counters with it. Where they cannot be known there is no number, but a reason.
import * as v from 'valibot';
import { Lives } from '../../protocol/lives.ts';

const CoordinateDebug = v.object({ trackers: v.record(v.string(), v.object({ base: v.string() })) });
const TrackerDebug = v.object({ forwards: v.array(v.object({ debug: v.optional(v.string()) })) });
const ForwardDebug = v.object({
  id: v.string(),
  egressBytes: v.object({ media: v.number(), bootstrap: v.number(), repair: v.number() }),
  ingressBytes: v.number(),
});
const MOST_SERVERS = 64;
/** Forwards come and go rarely, and a tracker's page is long. */
const FIND_EVERY_MS = 10_000;

const CLOSED = 'The servers’ counters cannot be read from here (P2PLIVE_DEBUG_TOKEN), so there is no offload.';
const LOST = 'A forward began anew after its counters could not be read for a while, so there is no offload.';

/** GET of JSON from a server's debug page; rejects when it is closed to us or too slow. */
export type ReadJson = (url: string) => Promise<unknown>;

/** Media bytes that all forwards have sent, and of the stream as one forward took it in. */
export interface Counts {
  egressBytes: number;
  ingressBytes: number;
}

export class ServerCounters {
  readonly #coordinate: string;
  readonly #readJson: ReadJson;
  readonly #now: () => number;
  /** By the address of the debug page, which a restarted forward has again. */
  readonly #forwards = new Map<string, Lives<keyof Counts>>();
  #urls: readonly string[] = [];
  #foundMs = Number.NEGATIVE_INFINITY;
  #why: string | null = CLOSED;
  #looking: Promise<void> | null = null;

  /** @param now monotonic milliseconds */
  constructor(coordinate: string, readJson: ReadJson, now: () => number) {
    this.#coordinate = coordinate;
    this.#readJson = readJson;
    this.#now = now;
  }

  /** Counts from now on. */
  async begin(): Promise<void> {
    await this.look();
    for (const forward of this.#forwards.values()) forward.forget();
    this.#why = this.#forwards.size === 0 ? CLOSED : null;
  }

  /** Once a second or so. Never rejects. */
  look(): Promise<void> {
    this.#looking ??= this.#look().finally(() => (this.#looking = null));
    return this.#looking;
  }

  /** @returns the reason, where there is no number */
  counts(): Counts | string {
    if (this.#why !== null) return this.#why;
    const sums = Array.from(this.#forwards.values(), (forward) => forward.sums);
    return {
      egressBytes: sums.reduce((sum, { egressBytes }) => sum + egressBytes, 0),
      ingressBytes: Math.max(...sums.map(({ ingressBytes }) => ingressBytes)),
    };
  }

  async #look(): Promise<void> {
    if (this.#now() - this.#foundMs > FIND_EVERY_MS) await this.#find();
    await Promise.all(this.#urls.map((url) => this.#count(url)));
  }

  /** While the coordinate or a tracker is away, the forwards are where they were. */
  async #find(): Promise<void> {
    try {
      const { trackers } = v.parse(CoordinateDebug, await this.#readJson(`${this.#coordinate}/debug`));
      const bases = Object.values(trackers).slice(0, MOST_SERVERS);
      const pages = await Promise.all(bases.map(({ base }) => this.#readJson(`${base.replace(/\/+$/, '')}/debug`)));
      const found = pages.flatMap((page) => v.parse(TrackerDebug, page).forwards.flatMap(({ debug }) => debug ?? []));
      this.#urls = [...new Set([...this.#urls, ...found])].slice(0, MOST_SERVERS);
      if (found.length > 0) this.#foundMs = this.#now();
    } catch {
      // Asked again with the next look.
    }
  }

  async #count(url: string): Promise<void> {
    const forward = this.#forwards.get(url);
    const page = v.safeParse(ForwardDebug, await this.#readJson(url).catch(() => null));
    const nowMs = this.#now();
    if (!page.success) return forward?.missed(nowMs);
    const { id, egressBytes: sent, ingressBytes } = page.output;
    const read = { egressBytes: sent.media + sent.bootstrap + sent.repair, ingressBytes };
    if (!forward) this.#forwards.set(url, new Lives(id, read, nowMs));
    else if (!forward.take(id, read, nowMs)) this.#why = LOST;
  }
}
