// A synthetic audience against a running system: real peers with shaped uplinks that come, stay and go as the seed says, counted second by
// second. Orders (a drill's) come from whoever runs it.
import type { Obeyed } from '../../protocol/rehearsal.ts';
import type { PeerEnv } from '../mesh/env.ts';
import { HeadlessPeer } from './headless-peer.ts';
import { Member, type Tally } from './member.ts';
import { PROFILES, type AudienceOptions } from './options.ts';
import { ServerCounters, type Counts, type ReadJson } from './server-counters.ts';
import { judge, type Sums, type Verdict } from './verdict.ts';

/** A fifth leave without a word, as people's machines do. */
const SILENT = 0.2;
const MOST_DELAYS = 200_000;
const RATES_KEPT = 60;
/** So much of the stream tells its rate; nobody is kept waiting for it longer than this. */
const ENOUGH_MS = 1_000;
const SCOUT_MS = 6_000;
/** Who rests looks this often whether it is over. */
const REST_MS = 50;
/** So many must say the same before somebody is convicted (SPEC.md, T15). */
const WITNESSES = 2;

/** What one second looked like. */
export interface Second extends Tally {
  second: number;
  viewers: number;
  playing: number;
  /** Children of forwards among the viewers' slices: 0 means that all are fed by each other. */
  parents: { peers: number; forwards: number };
  delayP50Ms: number | null;
  convicted: number;
}

type Order = { do: 'lose'; share: number } | { do: 'cut'; share: number } | { do: 'poison' };

export class Audience {
  readonly #env: PeerEnv;
  readonly #options: AudienceOptions;
  readonly #random: () => number;
  readonly #members = new Set<Member>();
  readonly #servers: ServerCounters;
  /** Each ends a timer of ours. */
  readonly #cancels = new Set<() => void>();
  #sums = { units: 0, late: 0, missing: 0, longestGapMs: 0 };
  #delays: number[] = [];
  #joins = 0;
  #departures = 0;
  #before: { received: number; duplicate: number; sent: number } | null = null;
  /** Of the seconds that count: how many viewers there were in each, added up. */
  #viewerSeconds = { seconds: 0, viewers: 0 };
  #gone = { received: 0, duplicate: 0, sent: 0 };
  #second = 0;
  #streamBitsPerSecond: number | null = null;
  #rates: number[] = [];
  #roll = 0;
  #isClosed = false;
  readonly #heard: (second: Second) => void;

  /** @param readJson GET of a server's debug page, with what it asks for */
  constructor(
    env: PeerEnv,
    options: AudienceOptions,
    random: () => number,
    readJson: ReadJson,
    heard: (second: Second) => void,
  ) {
    this.#env = env;
    this.#options = options;
    this.#servers = new ServerCounters(options.coordinate, readJson, () => env.now());
    this.#random = random;
    this.#heard = heard;
    this.#roll = random();
  }

  /** Brings everybody in and lets the mesh settle; counts from then on. */
  async begin(isOver: () => boolean): Promise<void> {
    this.#every(1_000, () => this.#tick());
    if ((PROFILES[this.#options.uplink] ?? []).some(([, copies]) => copies !== null)) await this.#scout(isOver);
    for (let i = 0; i < this.#options.viewers && !isOver(); i++) {
      this.#join();
      await this.#pause(this.#options.joinEveryMs);
    }
    await this.#rest(1_000 * this.#options.settleSeconds, isOver);
    await this.#servers.begin();
    this.#before = this.#totals();
    this.#viewerSeconds = { seconds: 0, viewers: 0 };
    this.#sums = { units: 0, late: 0, missing: 0, longestGapMs: 0 };
    this.#delays = [];
    const { churnPerMinute, viewers } = this.#options;
    if (churnPerMinute > 0) this.#churn(60_000 / (churnPerMinute * viewers));
  }

  obey(order: Order): Obeyed {
    const honest = [...this.#members].filter((member) => !member.isEvil);
    switch (order.do) {
      case 'lose': {
        const gone = this.#drawn(order.share, honest);
        if (gone.length === 0) return { why: 'There is nobody who could leave.' };
        for (const member of gone) this.#leave(member, this.#random() < SILENT);
        return { what: `${gone.length} of ${honest.length} synthetic viewers left at once.` };
      }
      case 'cut': {
        const links = this.#linksWithin();
        const cut = this.#drawn(order.share, links);
        if (cut.length === 0) return { why: 'No synthetic viewer has a link to another one yet: bring more of them.' };
        for (const [call, member] of cut) member.cut(call);
        return { what: `${cut.length} of ${links.length} links between synthetic viewers were cut.` };
      }
      case 'poison': {
        // Who feeds most does most harm.
        const [worst] = honest
          .map((member) => ({ member, fed: new Set(member.peer.stats().children.map(({ id }) => id)).size }))
          .toSorted((a, b) => b.fed - a.fed);
        if (!worst || worst.fed < WITNESSES)
          return {
            why: 'No synthetic viewer feeds two others yet, and one witness convicts nobody: bring more of them.',
          };
        worst.member.isEvil = true;
        return { what: `${worst.member.peer.stats().id ?? 'A viewer'} spoils what it passes on from now on.` };
      }
    }
  }

  async finish(): Promise<Sums & Verdict> {
    const before = this.#before;
    await this.#servers.look();
    const after = this.#totals();
    const received = after.received - (before?.received ?? 0);
    const viewers = this.#options.viewers;
    const copy = received / Math.max(1, viewers);
    const sums: Sums = {
      viewers,
      ...this.#sums,
      delayMs: { p50: percentile(this.#delays, 0.5), p95: percentile(this.#delays, 0.95) },
      ...offloadOf(this.#servers.counts(), this.#meanViewers()),
      duplicates: (after.duplicate - (before?.duplicate ?? 0)) / Math.max(1, received),
      uploadCopies: (after.sent - (before?.sent ?? 0)) / Math.max(1, copy) / Math.max(1, viewers),
      joins: this.#joins,
      departures: this.#departures,
      evil: [...this.#members].filter((member) => member.isEvil).length,
    };
    this.close();
    return { ...sums, ...judge(sums) };
  }

  close(): void {
    this.#isClosed = true;
    for (const cancel of this.#cancels) cancel();
    this.#cancels.clear();
    for (const member of this.#members) member.close();
    this.#members.clear();
  }

  /** A share of these by chance: so many and no fewer, since among a few a share of chances is often nobody. */
  #drawn<T>(share: number, all: readonly T[]): T[] {
    return all
      .map((one) => ({ one, place: this.#random() }))
      .toSorted((a, b) => a.place - b.place)
      .slice(0, Math.ceil(share * all.length))
      .map(({ one }) => one);
  }

  /** Links both of whose ends are here, each once; one to a person who really watches is left alone. */
  #linksWithin(): [call: string, oneEnd: Member][] {
    const first = new Map<string, Member>();
    const links: [call: string, oneEnd: Member][] = [];
    for (const member of this.#members)
      for (const call of member.calls()) {
        const other = first.get(call);
        if (other) links.push([call, other]);
        else first.set(call, member);
      }
    return links;
  }

  #join(): void {
    const { coordinate, stream, uplink, loss, evil, evilWay, rttMs } = this.#options;
    const [near, far] = rttMs;
    const member = new Member(this.#env, {
      coordinate,
      stream,
      copies: this.#copies(uplink),
      loss,
      // Each end of a link brings half of its own round trip.
      accessMs: far === 0 ? 0 : (near + (far - near) * this.#random()) / 4,
      evilWay,
      isEvil: this.#random() < evil,
      streamBitsPerSecond: () => this.#streamBitsPerSecond,
      random: this.#random,
    });
    this.#members.add(member);
    this.#joins++;
    member.start();
  }

  /** By the golden ratio, so that any few in a row have the shares that were asked for. */
  #copies(profile: string): number | null {
    this.#roll = (this.#roll + 0.618_033_988_75) % 1;
    let left = this.#roll;
    for (const [share, copies] of PROFILES[profile] ?? []) {
      if (left < share) return copies;
      left -= share;
    }
    return null;
  }

  #leave(member: Member, silently: boolean): void {
    const { receivedBytes, duplicateBytes, madeBytes, sentBytes } = member.peer.stats();
    this.#gone.received += receivedBytes.forward + receivedBytes.peers;
    this.#gone.duplicate += duplicateBytes - madeBytes;
    this.#gone.sent += sentBytes;
    this.#members.delete(member);
    this.#departures++;
    member.close(silently);
  }

  #churn(meanMs: number): void {
    this.#after(-meanMs * Math.log(1 - this.#random()), () => {
      const members = [...this.#members];
      const member = members[Math.floor(this.#random() * members.length)];
      if (member) this.#leave(member, this.#random() < SILENT);
      this.#join();
      this.#churn(meanMs);
    });
  }

  #tick(): void {
    this.#second++;
    const seen: Second = {
      second: this.#second,
      viewers: this.#members.size,
      playing: 0,
      parents: { peers: 0, forwards: 0 },
      units: 0,
      late: 0,
      missing: 0,
      longestGapMs: 0,
      delayP50Ms: null,
      convicted: 0,
    };
    const delays: number[] = [];
    for (const member of this.#members) {
      const stats = member.peer.stats();
      if (stats.state === 'playing') seen.playing++;
      for (const { kind } of stats.parents) seen.parents[kind === 'peer' ? 'peers' : 'forwards']++;
      const tally = member.takeTally();
      if (member.isEvil) continue;
      seen.units += tally.units;
      seen.late += tally.late;
      seen.missing += tally.missing;
      seen.longestGapMs = Math.max(seen.longestGapMs, Math.round(tally.longestGapMs));
      delays.push(...tally.delays);
    }
    seen.delayP50Ms = percentile(delays, 0.5);
    this.#sums.units += seen.units;
    this.#sums.late += seen.late;
    this.#sums.missing += seen.missing;
    this.#sums.longestGapMs = Math.max(this.#sums.longestGapMs, seen.longestGapMs);
    if (this.#delays.length < MOST_DELAYS) this.#delays.push(...delays);
    this.#viewerSeconds.seconds++;
    this.#viewerSeconds.viewers += seen.viewers;
    void this.#servers.look();
    this.#rate();
    this.#heard(seen);
  }

  /**
   * The stream's rate, by the size and the length of the units: uplinks are told in it. What members receive in a second says something else
   * while they join, starve or catch up, and uplinks that follow it would keep them starving.
   */
  #rate(): void {
    const sum = { bytes: 0, ms: 0 };
    for (const member of this.#members) {
      const { bytes, ms } = member.takeMedia();
      sum.bytes += bytes;
      sum.ms += ms;
    }
    if (sum.ms === 0) return;
    this.#rates = [...this.#rates, (8_000 * sum.bytes) / sum.ms].slice(-RATES_KEPT);
    const sorted = this.#rates.toSorted((a, b) => a - b);
    this.#streamBitsPerSecond = sorted[sorted.length >> 1] ?? null;
  }

  /** Somebody who only looks learns the stream's rate, so that uplinks are as narrow as they are told from their first byte on. */
  async #scout(isOver: () => boolean): Promise<void> {
    const { coordinate, stream } = this.#options;
    const sum = { bytes: 0, ms: 0 };
    const scout = new HeadlessPeer(
      this.#env,
      { coordinate, stream, shares: false, role: 'monitor' },
      {
        unit: ({ held: { head } }) => {
          sum.bytes += head.unitBytes;
          sum.ms += head.durationMs;
        },
      },
    );
    scout.start();
    await this.#rest(SCOUT_MS, () => sum.ms >= ENOUGH_MS || isOver());
    scout.close();
    if (sum.ms > 0) this.#rates.push((8_000 * sum.bytes) / sum.ms);
    this.#streamBitsPerSecond = this.#rates[0] ?? null;
  }

  #totals(): { received: number; duplicate: number; sent: number } {
    const sum = { ...this.#gone };
    for (const { peer } of this.#members) {
      const { receivedBytes, duplicateBytes, madeBytes, sentBytes } = peer.stats();
      sum.received += receivedBytes.forward + receivedBytes.peers;
      sum.duplicate += duplicateBytes - madeBytes; // what comes after it was made is the price of parity, and no mistake
      sum.sent += sentBytes;
    }
    return sum;
  }

  #meanViewers(): number {
    const { seconds, viewers } = this.#viewerSeconds;
    return seconds === 0 ? this.#members.size : viewers / seconds;
  }

  #every(ms: number, call: () => void): void {
    const beganMs = this.#env.now();
    let next = 0;
    const arm = (): void => {
      // Counted from the beginning, so that what a tick takes does not add up. One that was slept through is left out, and one that came
      // a hair early is not had twice.
      const sinceMs = this.#env.now() - beganMs;
      next = Math.max(next, Math.floor(sinceMs / ms)) + 1;
      this.#after(next * ms - sinceMs, () => {
        call();
        arm();
      });
    };
    arm();
  }

  #after(ms: number, call: () => void): void {
    if (this.#isClosed) return;
    const cancel = this.#env.after(ms, () => {
      this.#cancels.delete(cancel);
      call();
    });
    this.#cancels.add(cancel);
  }

  /** So long by the clock, which on a busy machine is less than as many pauses add up to. */
  async #rest(ms: number, isOver: () => boolean): Promise<void> {
    const endMs = this.#env.now() + ms;
    while (this.#env.now() < endMs && !isOver() && !this.#isClosed) await this.#pause(REST_MS);
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => void this.#env.after(ms, resolve));
  }
}

function percentile(values: readonly number[], share: number): number | null {
  if (values.length === 0) return null;
  const sorted = values.toSorted((a, b) => a - b);
  return Math.round(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0);
}

/** 1 - what the forwards sent over one copy for every viewer. */
function offloadOf(counts: Counts | string, viewers: number): Pick<Sums, 'offload' | 'noOffload'> {
  if (typeof counts === 'string') return { offload: null, noOffload: counts };
  const needed = counts.ingressBytes * viewers;
  if (needed <= 0) return { offload: null, noOffload: 'The forwards had nothing to send, so there is no offload.' };
  return { offload: 1 - counts.egressBytes / needed, noOffload: null };
}
