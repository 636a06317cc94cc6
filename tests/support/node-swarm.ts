// Real peers in this process, with real WebRTC, against real servers. A test may cut a peer's wires or spoil what it sends.
import { createHash } from 'node:crypto';
import { HeadlessPeer } from '../../client/audience/headless-peer.ts';
import { evilEnv, type EvilWay } from '../../client/audience/evil.ts';
import { createNodeEnv } from '../../client/node/node-env.ts';
import type { PeerEnv, Wire, WireEvents } from '../../client/mesh/env.ts';
import { unitBytesOf } from '../../client/mesh/playout.ts';
import type { Stack } from './stack.ts';

export interface PlayedUnit {
  number: number;
  epoch: number;
  hash: string;
  atMs: number;
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
  /** Each media message as it comes off a wire. */
  media?: (bytes: Uint8Array) => void;
}

export interface TrackerView {
  streams: {
    name: string;
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
  readonly #stack: Stack;
  readonly #ends: (() => void)[] = [];

  constructor(stack: Stack) {
    this.#stack = stack;
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
      { coordinate: this.#stack.ready.coordinate, stream: 'live', shares: options.shares ?? true, role: 'viewer' },
      {
        unit({ held }) {
          const hash = createHash('sha256').update(unitBytesOf(held)).digest('hex');
          played.push({ number: held.head.unit, epoch: held.head.epoch, hash, atMs: performance.now() });
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
        socket: (url, events) => kept(real.socket(url, deaf(events))),
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
    for (const { peer } of this.members) peer.close();
  }

  async tracker(): Promise<TrackerView['streams'][number]['viewers']> {
    const answer = await fetch(`${this.#stack.ready.tracker}/debug`, JSON_PLEASE);
    const { streams } = (await answer.json()) as TrackerView;
    return streams.find((stream) => stream.name === 'live')?.viewers ?? [];
  }

  /** Media bytes into and out of the forward so far, by its own counters. */
  async forward(): Promise<{ in: number; out: number }> {
    const answer = await fetch(this.#stack.ready.forwards[0]?.debug ?? '', JSON_PLEASE);
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
