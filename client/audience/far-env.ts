// A PeerEnv that is some way off: whatever it sends or hears on any wire takes so much longer. Two peers are as far from each other as
// their two ways together, as if each lived at the end of a street.
import type { PeerEnv, Wire, WireEvents } from '../mesh/env.ts';

/** Ways from here to the middle that pass before the first word: on a WebSocket the handshakes of TCP and HTTP, there and back. */
const SOCKET_WAYS = 4;
/** Between peers ICE, DTLS and SCTP take three and a half round trips, four ways each when both live as far out. */
const PEER_WAYS = 14;

/** @param accessMs one way, between this peer and the middle of the network */
export function farEnv(real: PeerEnv, accessMs: number): PeerEnv {
  if (accessMs <= 0) return real;
  // Timers of one length end in the order in which they began, so what is text stays in order.
  const later = (call: () => void): void => void real.after(accessMs, call);

  const away = <E extends WireEvents, W extends Wire>(ways: number, events: E, dial: (events: E) => W): W => {
    let isClosed = false;
    /** What has come before this side knows that it is connected. */
    let held: (string | Uint8Array)[] | null = [];
    const open = (): void => {
      if (isClosed) return;
      events.open();
      const first = held ?? [];
      held = null;
      for (const data of first) events.message(data);
    };
    const wire = dial({
      ...events,
      open: () => void real.after(ways * accessMs, open),
      message: (data: string | Uint8Array) =>
        later(() => {
          if (isClosed) return;
          if (held) held.push(data);
          else events.message(data);
        }),
      closed: (why: string) => later(() => isClosed || events.closed(why)),
    });
    const [send, close] = [wire.send.bind(wire), wire.close.bind(wire)];
    wire.send = (data) => {
      if (!isClosed) later(() => send(data));
    };
    // What was said before is on its way still.
    wire.close = () => {
      isClosed = true;
      later(close);
    };
    return wire;
  };

  return {
    ...real,
    socket: (url, events) => away(SOCKET_WAYS, events, (heard) => real.socket(url, heard)),
    peer: (options, events) => away(PEER_WAYS, events, (heard) => real.peer(options, heard)),
  };
}
