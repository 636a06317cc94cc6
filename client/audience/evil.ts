// Peers that misbehave on purpose, for drills and tests: what they send to others is spoilt, withheld or made up. Everything honest around
// them must go on (SPEC.md, W5, T15, S4).
import type { PeerEnv, Wire } from '../mesh/env.ts';

/**
 * corrupt: media that is passed on is spoilt. mute: nothing is passed on. liar: receipts, acknowledgements and given bytes are made up.
 * boast: given bytes alone are. accuse: its parents are said to send bad slices. flood: words for the tracker and the neighbours without
 * end.
 */
export const EVIL_WAYS = ['corrupt', 'mute', 'liar', 'boast', 'accuse', 'flood'] as const;
export type EvilWay = (typeof EVIL_WAYS)[number];

const ACCUSE_EVERY_MS = 500;
const FLOOD_EVERY_MS = 20;
const FLOOD_AT_ONCE = 20;

export interface Evil {
  env: PeerEnv;
  /** Ends what it does by itself. */
  close: () => void;
}

/** Is it to misbehave now? Asked at every message, so that an honest peer can turn. */
export function evilEnv(real: PeerEnv, way: EvilWay, isOn: () => boolean): Evil {
  const timers: (() => void)[] = [];
  const parents = new Map<number, string>();
  const again = (ms: number, act: () => void): void => {
    let cancel = real.after(ms, function tick() {
      if (isOn()) act();
      cancel = real.after(ms, tick);
    });
    timers.push(() => cancel());
  };
  const spoil = (wire: Wire): void => {
    const send = wire.send.bind(wire);
    wire.send = (data) => {
      if (typeof data === 'string' || !isOn() || (way !== 'corrupt' && way !== 'mute')) return send(data);
      if (way === 'mute') return;
      const other = Uint8Array.from(data);
      other[other.length - 1] = (other.at(-1) ?? 0) ^ 0x55;
      send(other);
    };
  };
  const talk = (wire: Wire): void => {
    const send = wire.send.bind(wire);
    wire.send = (data) => send(typeof data === 'string' && isOn() ? twisted(data, way) : data);
    if (way === 'flood')
      again(FLOOD_EVERY_MS, () => {
        for (let i = 0; i < FLOOD_AT_ONCE; i++) send(JSON.stringify({ type: 'ping', t: i }));
      });
  };
  const slander = (wire: Wire): void => {
    const send = wire.send.bind(wire);
    if (way === 'accuse')
      again(ACCUSE_EVERY_MS, () => {
        for (const [slice, id] of parents) send(JSON.stringify({ type: 'lost', slice, id, how: 'bad-slice' }));
      });
  };
  const env: PeerEnv = {
    ...real,
    socket(url, events) {
      const isTracker = url.includes('/resource');
      const wire = real.socket(url, {
        ...events,
        message(data) {
          if (isTracker && typeof data === 'string') notePlan(parents, data);
          events.message(data);
        },
      });
      talk(wire);
      if (isTracker) slander(wire);
      return wire;
    },
    peer(options, events) {
      const wire = real.peer(options, events);
      spoil(wire);
      talk(wire);
      return wire;
    },
  };
  return {
    env,
    close: () => {
      for (const end of timers) end();
    },
  };
}

function notePlan(parents: Map<number, string>, text: string): void {
  const message = JSON.parse(text) as { type?: string; parents?: { kind: string; slice: number; id: string }[] };
  if (message.type !== 'plan') return;
  parents.clear();
  for (const { kind, slice, id } of message.parents ?? []) if (kind === 'peer') parents.set(slice, id);
}

/** A liar has given and received a hundred times as much; a boaster has given it, and is honest about the rest. */
function twisted(text: string, way: EvilWay): string {
  if (way !== 'liar' && way !== 'boast') return text;
  const message = JSON.parse(text) as Record<string, unknown>;
  if (message['type'] === 'ack' && way === 'liar')
    return JSON.stringify({ ...message, unit: Number(message['unit']) + 1_000 });
  if (message['type'] !== 'report') return text;
  const more = (list: unknown): unknown =>
    Array.isArray(list) ? list.map((one: { bytes: number }) => ({ ...one, bytes: one.bytes * 100 })) : list;
  return JSON.stringify({
    ...message,
    sent: Number(message['sent']) * 100,
    gave: more(message['gave']),
    ...(way === 'liar' ? { receipts: more(message['receipts']) } : {}),
  });
}
