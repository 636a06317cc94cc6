// Real peers in this process, with real WebRTC, against real servers. A test may cut a peer's wires or spoil what it sends.
import { createHash } from 'node:crypto';
import { HeadlessPeer } from '../../client/audience/headless-peer.ts';
import { evilEnv, type EvilWay } from '../../client/audience/evil.ts';
import { createNodeEnv } from '../../client/node/node-env.ts';
import type { LedgerRow } from '../../servers/tracker/ledger.ts';
import type { PeerEnv, Wire, WireEvents } from '../../client/mesh/env.ts';
import { unitBytesOf } from '../../client/mesh/playout.ts';
import { until } from './until.ts';

export interface PlayedUnit {
  number: number;
  epoch: number;
  hash: string;
  atMs: number;
  /** How long after its making it was whole here, by the coordinate's clock; null while that is not known. */
  delayMs: number | null;
}

/** Where its servers are. */
interface Servers {
  ready: { coordinate: string; tracker: string; forwards: readonly { debug: string }[] };
}

export interface Member {
  peer: HeadlessPeer;
  played: PlayedUnit[];
  /** Media messages to other peers that were spoilt on the way. */
  spoilt: number;
  /** From now on the last byte of whatever media it sends to peers is another one. */
  isPoisoner: boolean;
  /** All its wires end at once, without a bye. */
  cut(): void;
  /** Its wires stand, and nothing passes on them any more: a machine that has lost its network. */
  freeze(): void;
}

export interface JoinOptions {
  shares?: boolean;
  isPoisoner?: boolean;
  evil?: EvilWay;
  /** Each call to a server, by its address. */
  called?: (url: string) => void;
  /** Each media message as it comes off a wire. */
  media?: (bytes: Uint8Array) => void;
}

export interface TrackerView {
  forwards: { id: string; pull: string }[];
  streams: {
    name: string;
    ledger: LedgerRow;
    viewers: {
      id: string;
      parents: { slice: number; id: string; kind?: string }[];
      children: { slice: number; id: string }[];
      [more: string]: unknown;
    }[];
  }[];
}

const JSON_PLEASE = { headers: { accept: 'application/json' } };

export class NodeSwarm {
  readonly members: Member[] = [];
  readonly #servers: Servers;
  readonly #ends: (() => void)[] = [];

  constructor(servers: Servers) {
    this.#servers = servers;
  }

  join(options: JoinOptions = {}): Member {
    const wires = new Set<Wire>();
    let isCut = false;
    const played: PlayedUnit[] = [];
    const evil = options.evil && evilEnv(wrapped(), options.evil, () => true);
    const env = evil?.env ?? wrapped();
    if (evil) this.#ends.push(evil.close);
    const peer = new HeadlessPeer(
      env,
      { coordinate: this.#servers.ready.coordinate, stream: 'live', shares: options.shares ?? true, role: 'viewer' },
      {
        unit({ held }) {
          const hash = createHash('sha256').update(unitBytesOf(held)).digest('hex');
          const { unit: number, epoch, sourceMs } = held.head;
          const atMs = performance.now();
          const coordinateMs = peer.peer.coordinateMs();
          const delayMs =
            coordinateMs === null || held.wholeMs === null ? null : coordinateMs - (atMs - held.wholeMs) - sourceMs;
          played.push({ number, epoch, hash, atMs, delayMs });
        },
      },
    );
    const member: Member = {
      peer,
      played,
      spoilt: 0,
      isPoisoner: options.isPoisoner ?? false,
      cut() {
        isCut = true;
        for (const wire of wires) wire.close();
        peer.close(); // its timers; it has no wire left to say bye on
      },
      freeze() {
        isCut = true;
      },
    };
    this.members.push(member);
    this.#ends.push(() => peer.close()); // also where a test has struck it off the members
    peer.start();
    return member;

    function wrapped(): PeerEnv {
      const real = createNodeEnv();
      const deaf = <E extends WireEvents>(events: E): E => ({
        ...events,
        open: () => isCut || events.open(),
        message: (data: string | Uint8Array) => {
          if (isCut) return;
          if (typeof data !== 'string') options.media?.(data);
          events.message(data);
        },
        closed: (why: string) => isCut || events.closed(why),
      });
      const kept = <W extends Wire>(wire: W): W => {
        wires.add(wire);
        const send = wire.send.bind(wire);
        wire.send = (data) => (isCut ? undefined : send(data));
        return wire;
      };
      return {
        ...real,
        getJson(url) {
          options.called?.(url);
          return real.getJson(url);
        },
        socket(url, events) {
          options.called?.(url);
          return kept(real.socket(url, deaf(events)));
        },
        peer(how, events) {
          const wire = kept(real.peer(how, deaf(events)));
          const send = wire.send.bind(wire);
          wire.send = (data) => {
            if (typeof data === 'string' || !member.isPoisoner) return send(data);
            member.spoilt++;
            const other = Uint8Array.from(data);
            other[other.length - 1] = (other.at(-1) ?? 0) ^ 0x55;
            return send(other);
          };
          return wire;
        },
      };
    }
  }

  close(): void {
    for (const end of this.#ends) end();
  }

  /** Waits until each member has played so many units more. */
  async plays(more: number, withinMs = 20_000): Promise<void> {
    const from = this.members.map(({ played }) => played.length);
    await until(
      `${more} units for everybody`,
      () => this.members.every(({ played }, i) => played.length >= (from[i] ?? 0) + more),
      { withinMs, describe: () => this.describe() },
    );
  }

  /** All that the tracker shows. */
  async debug(): Promise<TrackerView> {
    const answer = await fetch(`${this.#servers.ready.tracker}/debug`, JSON_PLEASE);
    return (await answer.json()) as TrackerView;
  }

  async tracker(): Promise<TrackerView['streams'][number]['viewers']> {
    const { streams } = await this.debug();
    return streams.find((stream) => stream.name === 'live')?.viewers ?? [];
  }

  /** Media bytes into and out of the forward so far, by its own counters. */
  async forward(): Promise<{ in: number; out: number }> {
    const answer = await fetch(this.#servers.ready.forwards[0]?.debug ?? '', JSON_PLEASE);
    const state = (await answer.json()) as { egressBytes: Record<string, number>; ingressBytes: number };
    const { media = 0, bootstrap = 0, repair = 0 } = state.egressBytes;
    return { in: state.ingressBytes, out: media + bootstrap + repair };
  }

  describe(): string {
    return JSON.stringify(this.members.map(({ peer }) => peer.stats()));
  }
}

/** Units that were left out since the n-th that was played, and the longest time between two. */
export function gapsOf(played: readonly PlayedUnit[], from = 0): { missed: number; longestMs: number } {
  let missed = 0;
  let longestMs = 0;
  for (let i = Math.max(1, from); i < played.length; i++) {
    const [before, unit] = [played[i - 1], played[i]];
    if (!before || !unit) continue;
    if (unit.epoch === before.epoch) missed += unit.number - before.number - 1;
    longestMs = Math.max(longestMs, unit.atMs - before.atMs);
  }
  return { missed, longestMs };
}

/** Share of the units since the n-th played one that came too late for a playout buffer of so long, or never. */
export function missedShare(members: readonly Member[], from: readonly number[], bufferMs: number): number {
  let [missed, due] = [0, 0];
  for (const [i, { played }] of members.entries()) {
    const since = played.slice(from[i] ?? 0);
    const never = gapsOf(played, from[i]).missed;
    missed += never + since.filter(({ delayMs }) => delayMs !== null && delayMs > bufferMs).length;
    due += never + since.length;
  }
  return due === 0 ? 1 : missed / due;
}
