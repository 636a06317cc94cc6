// How a connection of wrtc's ends. Its native half has threads of its own and takes some things ill, up to the end of the process: being
// closed from within one of its own callbacks or while a description is being made or set, being used after that, and being collected
// while events of it are on their way. So a connection that shall close is left alone at once, closed from a task of its own when nothing of
// it is pending, and held for a while longer.
import type { Channel, Connection } from '../mesh/rtc-wire.ts';

/** What is pending is waited for so long: an open connection holds some fifty file descriptors, and a description may never come back. */
const PENDING_MOST_MS = 500;
/** Events that were on their way have come by then. */
const HELD_MS = 5_000;

const nothing = (): void => {};

/** Connections that close or have just closed, with their channels: only so that nobody collects them. */
const held = new Set<unknown>();

/** The same connection, whose close() and whose channels' close() are carried out with care. */
export function closedWithCare(connection: Connection): Connection {
  const channels: Channel[] = [];
  const closings: (() => void)[] = [];
  const pending = new Set<Promise<unknown>>();
  let isClosing = false;

  const end = (): void => {
    // A channel is never closed after its connection.
    for (const close of closings) close();
    setTimeout(() => held.delete(kept), HELD_MS).unref();
  };
  const kept = { connection, channels, end };

  const ask = <T>(call: () => Promise<T>): Promise<T> => {
    if (isClosing) return Promise.reject(new Error('the connection is closed'));
    const answer = call();
    const settled: Promise<void> = answer.then(nothing, nothing).then(() => void pending.delete(settled));
    pending.add(settled);
    return answer;
  };

  const createDataChannel = connection.createDataChannel.bind(connection);
  const createOffer = connection.createOffer.bind(connection);
  const createAnswer = connection.createAnswer.bind(connection);
  const setLocalDescription = connection.setLocalDescription.bind(connection);
  const setRemoteDescription = connection.setRemoteDescription.bind(connection);
  const addIceCandidate = connection.addIceCandidate.bind(connection);
  const close = connection.close.bind(connection);
  const careful: Omit<Connection, 'connectionState' | 'onicecandidate' | 'onconnectionstatechange'> = {
    createDataChannel(label, options) {
      const channel = createDataChannel(label, options);
      const closeChannel = channel.close.bind(channel);
      channels.push(channel);
      // Its own methods cannot be assigned to.
      Object.defineProperty(channel, 'close', { value: () => void closings.push(closeChannel) });
      return channel;
    },
    createOffer: () => ask(createOffer),
    createAnswer: () => ask(createAnswer),
    setLocalDescription: (description) => ask(() => setLocalDescription(description)),
    setRemoteDescription: (description) => ask(() => setRemoteDescription(description)),
    addIceCandidate: (candidate) => ask(() => addIceCandidate(candidate)),
    close() {
      if (isClosing) return;
      isClosing = true;
      held.add(kept);
      closings.push(close);
      let limit: NodeJS.Timeout | null = null;
      const over = new Promise<void>((resolve) => (limit = setTimeout(resolve, PENDING_MOST_MS).unref()));
      void Promise.race([Promise.all(pending), over]).then(() => {
        if (limit) clearTimeout(limit);
        setImmediate(end);
      });
    },
  };
  return Object.assign(connection, careful);
}
