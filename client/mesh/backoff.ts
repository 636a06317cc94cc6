// When a peer calls servers that do not answer: one wait for all of them together, so that any number of dead servers is called no
// more often than one. The wait is drawn at random and grows from call to call [S16]. Pure: no timers, no sockets.

/** The first call after a loss comes within this time: a server that was started again is back within a second or two. */
export const FIRST_MS = 300;
/** From call to call. Nine calls in the 23 s at most that they take; twice as long each time would leave a short outage too few. */
const GROWTH = 1.5;
/** An outage that lasts is called into once in this time at most, and once in twice this time at least. */
const RARE_MS = 10_000;
/** However large the audience, everybody has called once by then. */
const MOST_FIRST_MS = 15_000;
/** A server that fails again sooner after its answer has not come back: its calls are counted on. */
const STEADY_MS = 10_000;
/** Whoever has not asked for its turn for so long does not want it any more. */
const WANTED_MS = 500;
/** More than a tracker names; the oldest are forgotten. */
const MOST_SERVERS = 32;

/**
 * How long to wait before the next call.
 * @param calls made in this outage so far
 * @param firstMs the first is spread over this time: FIRST_MS, or longer where a large audience comes back together
 * @param random 0..1
 */
export function waitMs(calls: number, firstMs: number, random: number): number {
  const mostMs = firstMs * GROWTH ** calls;
  if (calls > 0 && mostMs >= RARE_MS) return RARE_MS + random * Math.max(RARE_MS, firstMs);
  return random * mostMs;
}

interface Failing {
  calledMs: number;
  wantedMs: number;
  firstMs: number;
}

export class Backoff {
  readonly #now: () => number;
  readonly #random: () => number;
  readonly #failing = new Map<string, Failing>();
  /** How often those that answer now had been called in vain before. */
  readonly #answered = new Map<string, { atMs: number; calls: number }>();
  #crowdMs = FIRST_MS;
  #calls = 0;
  #sinceMs = 0;
  #draw = 0;

  constructor(now: () => number, random: () => number) {
    this.#now = now;
    this.#random = random;
  }

  /** Over how long the whole audience is to spread, when it comes back together. */
  set crowdMs(ms: number) {
    this.#crowdMs = Math.min(MOST_FIRST_MS, Math.max(FIRST_MS, ms));
  }

  /** Some server has not answered its last call, or has ended its connection. */
  get isFailing(): boolean {
    return this.#failing.size > 0;
  }

  fails(server: string): boolean {
    return this.#failing.has(server);
  }

  /**
   * May this server be called now? `true` is the call. Whoever wants to call asks again and again: those that wait take turns.
   * @param isOurs only few have to call this one: they need not wait for the audience
   */
  mayCall(server: string, isOurs = false): boolean {
    const one = this.#failing.get(server);
    if (!one) return true;
    const nowMs = this.#now();
    one.wantedMs = nowMs;
    one.firstMs = isOurs ? FIRST_MS : this.#crowdMs;
    if (!this.#isDue(one, nowMs)) return false;
    for (const other of this.#failing.values())
      if (other.calledMs < one.calledMs && nowMs - other.wantedMs < WANTED_MS && this.#isDue(other, nowMs)) return false;
    one.calledMs = nowMs;
    this.#restart(this.#calls + 1);
    return true;
  }

  /** It did not answer, refused, or ended a connection that had stood. */
  failed(server: string): void {
    if (this.#failing.has(server)) return;
    const nowMs = this.#now();
    const before = this.#answered.get(server);
    makeRoom(this.#failing);
    this.#failing.set(server, { calledMs: nowMs, wantedMs: Number.NEGATIVE_INFINITY, firstMs: this.#crowdMs });
    // A new loss begins anew, one that keeps coming and going does not.
    const isSame = before !== undefined && nowMs - before.atMs < STEADY_MS;
    this.#restart(isSame ? Math.max(this.#calls, before.calls) : 0);
  }

  /** It is back, and so may the others be. */
  answered(server: string): void {
    if (!this.#failing.delete(server)) return;
    makeRoom(this.#answered);
    this.#answered.set(server, { atMs: this.#now(), calls: this.#calls });
    this.#restart(0);
  }

  /** Somebody who answers says that this one is back. */
  isSaidToBeBack(server: string): void {
    if (this.#failing.has(server)) this.#restart(0);
  }

  #restart(calls: number): void {
    this.#calls = calls;
    this.#sinceMs = this.#now();
    this.#draw = this.#random();
  }

  #isDue(one: Failing, nowMs: number): boolean {
    return nowMs >= this.#sinceMs + waitMs(this.#calls, one.firstMs, this.#draw);
  }
}

function makeRoom(servers: Map<string, unknown>): void {
  const oldest = servers.keys().next().value;
  if (servers.size >= MOST_SERVERS && oldest !== undefined) servers.delete(oldest);
}
