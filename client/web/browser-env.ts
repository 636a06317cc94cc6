// PeerEnv for a page: fetch, WebSocket, RTCPeerConnection, WebCrypto, worker timers.
import { patiently } from '../../protocol/awake.ts';
import type { PeerEnv } from '../mesh/env.ts';
import { RtcWire, type Connection } from '../mesh/rtc-wire.ts';
import { createVerification } from './crypto.ts';
import { createTicker } from './ticker.ts';

const FETCH_LIMIT_MS = 8_000;
/** A browser itself waits for minutes. */
const HANDSHAKE_LIMIT_MS = 4_000;

export async function createBrowserEnv(): Promise<PeerEnv> {
  const after = createTicker();
  return {
    ...(await createVerification()),
    now: () => performance.now(),
    wallMs: () => Date.now(),
    after,
    random: () => Math.random(),
    async getJson(url) {
      const limit = new AbortController();
      const cancel = patiently({ after }, FETCH_LIMIT_MS, () => limit.abort());
      try {
        const response = await fetch(url, { headers: { accept: 'application/json' }, signal: limit.signal }).catch(
          () => {
            throw new Error('The server cannot be reached. Trying again.');
          },
        );
        if (!response.ok)
          throw new Error((await response.text()).slice(0, 300) || `The server answered ${response.status}.`);
        return await response.json();
      } finally {
        cancel();
      }
    },
    socket(url, events) {
      const socket = new WebSocket(url);
      socket.binaryType = 'arraybuffer';
      const forget = (): void => {
        cancel();
        socket.onopen = socket.onmessage = socket.onclose = null;
      };
      const cancel = patiently({ after }, HANDSHAKE_LIMIT_MS, () => {
        if (socket.readyState !== WebSocket.CONNECTING) return;
        forget();
        socket.close();
        events.closed('no answer');
      });
      socket.onopen = () => {
        cancel();
        events.open();
      };
      socket.onmessage = ({ data }: MessageEvent<string | ArrayBuffer>) =>
        events.message(typeof data === 'string' ? data : new Uint8Array(data));
      socket.onclose = ({ code, reason }) => {
        forget();
        events.closed(reason || `closed (${code})`);
      };
      return {
        send: (data) => {
          if (socket.readyState === WebSocket.OPEN) socket.send(data as string | Uint8Array<ArrayBuffer>);
        },
        get bufferedBytes() {
          return socket.bufferedAmount;
        },
        close: () => {
          forget();
          socket.close();
        },
      };
    },
    peer: (options, events) =>
      new RtcWire(
        (configuration) => new RTCPeerConnection(configuration as RTCConfiguration) as unknown as Connection,
        { after },
        options,
        events,
      ),
  };
}
