// When a peer calls servers that do not answer: one wait for all of them together, so that any
// number of dead servers is called no more often than one. The wait is drawn at random and grows
// from call to call [S16]. Pure: no timers, no sockets.

/**
 * The first call after a loss comes within this time: a server that was started again is back
 * within a second or two.
 */
export const FIRST_MS = 300;
/** From call to call; twice as long each time would leave a short outage too few. */
const GROWTH = 1.5;
/**
 * In the first minute no wait is longer: a tracker that was away for half a minute has its trees
 * again ten seconds later.
 */
const OFTEN_MS = 6_000;
/**
 * After that minute there is one call in this time at most, and one in twice this time at least.
 */
const RARE_MS = 10_000;
const RARE_AFTER_MS = 60_000 - OFTEN_MS;
/** However large the audience, everybody has called once by then. */
const MOST_FIRST_MS = 15_000;
/**
 * A server that fails again sooner after its answer has not come back: its calls are counted on.
 */
const STEADY_MS = 10_000;
/** Whoever has not asked for its turn for so long does not want it any more. */
const WANTED_MS = 500;
/** More than a tracker names; the oldest are forgotten. */
const MOST_SERVERS = 32;

/** What the wait before the next call depends on. */
export interface Outage {
  /** Made so far. */
  calls: number;
  /** How long it had lasted at the last of them. */
  ageMs: number;
  /**
   * The first call is spread over this time: FIRST_MS, or longer where a large audience comes back
   * together.
   */
  firstMs: number;
}

/**
 * How long to wait after the loss, or the last call. Drawn from the whole time, from 0 on; but what
 * is spread already must not pile up with the second call of others, and late calls are rare for
 * certain.
 * @param random 0..1
 */
export function waitMs({ calls, ageMs, firstMs }: Outage, random: number): number {
  if (calls === 0) return random * firstMs;
  if (ageMs >= RARE_AFTER_MS) return RARE_MS + random * Math.max(RARE_MS, firstMs);
  const leastMs = firstMs > FIRST_MS ? Math.min(RARE_MS, firstMs) : 0;
  return leastMs + random * Math.min(firstMs * GROWTH ** calls, Math.max(OFTEN_MS, firstMs));
}

interface Failing {
  calledMs: number;
  wantedMs: number;
  firstMs: number;
  /** Not called since somebody said that it is back. */
  isSaidToBeBack: boolean;
}

export class Backoff {
  readonly #now: () => number;
  readonly #random: () => number;
  readonly #failing = new Map<string, Failing>();
  /** How often those that answer now had been called in vain before. */
  readonly #answered = new Map<string, { atMs: number; calls: number; beganMs: number }>();
  #crowdMs = FIRST_MS;
  #calls = 0;
  #beganMs = 0;
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
    return this.#failing.get(server)?.isSaidToBeBack === false;
  }

  /**
   * May this server be called now? `true` is the call. Whoever wants to call asks again and again:
   * those that wait take turns.
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
      if (other.calledMs < one.calledMs && nowMs - other.wantedMs < WANTED_MS && this.#isDue(other, nowMs))
        return false;
    one.calledMs = nowMs;
    this.#wait(this.#calls + 1, this.#beganMs);
    return true;
  }

  /**
   * It did not answer, or refused.
   * @param stood a connection to it stood until now
   */
  failed(server: string, stood = false): void {
    const known = this.#failing.get(server);
    if (known) return void (known.isSaidToBeBack = false);
    const nowMs = this.#now();
    const isFirst = !this.isFailing;
    const before = this.#answered.get(server);
    makeRoom(this.#failing);
    this.#failing.set(server, {
      calledMs: nowMs,
      wantedMs: Number.NEGATIVE_INFINITY,
      firstMs: this.#crowdMs,
      isSaidToBeBack: false,
    });
    // Another one that is found to be gone too is part of the same outage, and so is one that keeps
    // coming and going.
    if (before && nowMs - before.atMs < STEADY_MS)
      this.#wait(Math.max(this.#calls, before.calls), Math.min(this.#beganMs, before.beganMs));
    else if (stood || isFirst) this.#wait(0, nowMs);
  }

  /** It is back, and so may the others be. */
  answered(server: string): void {
    if (!this.#failing.delete(server)) return;
    makeRoom(this.#answered);
    this.#answered.set(server, { atMs: this.#now(), calls: this.#calls, beganMs: this.#beganMs });
    this.#wait(0, this.#now());
  }

  /** Somebody who answers says that this one is back. */
  saidToBeBack(server: string): void {
    const known = this.#failing.get(server);
    if (!known) return;
    known.isSaidToBeBack = true;
    this.#wait(0, this.#now());
  }

  #wait(calls: number, beganMs: number): void {
    this.#calls = calls;
    this.#beganMs = beganMs;
    this.#sinceMs = this.#now();
    this.#draw = this.#random();
  }

  #isDue(one: Failing, nowMs: number): boolean {
    const outage = { calls: this.#calls, ageMs: this.#sinceMs - this.#beganMs, firstMs: one.firstMs };
    return nowMs >= this.#sinceMs + waitMs(outage, this.#draw);
  }
}

function makeRoom(servers: Map<string, unknown>): void {
  const oldest = servers.keys().next().value;
  if (servers.size >= MOST_SERVERS && oldest !== undefined) servers.delete(oldest);
}
