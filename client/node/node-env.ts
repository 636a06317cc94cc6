// PeerEnv for plain Node: ws, wrtc, node:crypto. Never loaded inside Electron, where wrtc ends the process on the first binary message.
import { createHash, createPublicKey, verify, type KeyObject } from 'node:crypto';
import wrtc from '@roamhq/wrtc';
import { WebSocket } from 'ws';
import { patiently } from '../../protocol/awake.ts';
import { MAX_UNIT_BYTES } from '../../protocol/limits.ts';
import type { PeerEnv } from '../mesh/env.ts';
import { RtcWire, type Connection } from '../mesh/rtc-wire.ts';
import { closedWithCare } from './careful-closing.ts';

const FETCH_LIMIT_MS = 8_000;
const HANDSHAKE_LIMIT_MS = 4_000;

/** Ed25519 public key from its 32 raw bytes (RFC 8410's fixed prefix); null when they are no key. */
function publicKeyOf(raw: Uint8Array): KeyObject | null {
  try {
    const der = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), raw]);
    return createPublicKey({ key: der, format: 'der', type: 'spki' });
  } catch {
    return null;
  }
}

function after(ms: number, call: () => void): () => void {
  const timer = setTimeout(call, ms);
  return () => clearTimeout(timer);
}

/** One environment may serve any number of peers of a process. */
export function createNodeEnv(): PeerEnv {
  const keys = new Map<string, KeyObject | null>();
  return {
    now: () => performance.now(),
    wallMs: () => Date.now(),
    after,
    random: () => Math.random(),
    async getJson(url) {
      const limit = new AbortController();
      const cancel = patiently({ after }, FETCH_LIMIT_MS, () => limit.abort());
      try {
        const response = await fetch(url, { headers: { accept: 'application/json' }, signal: limit.signal }).catch(
          (error: unknown) => {
            throw new Error(`${url} cannot be reached.`, { cause: error });
          },
        );
        if (!response.ok)
          throw new Error((await response.text()).slice(0, 300) || `${url} answered ${response.status}.`);
        return await response.json();
      } finally {
        cancel();
      }
    },
    socket(url, events) {
      const socket = new WebSocket(url, {
        perMessageDeflate: false,
        maxPayload: MAX_UNIT_BYTES + 1_024,
      });
      let isDone = false;
      const isAnswered = patiently({ after }, HANDSHAKE_LIMIT_MS, () => {
        if (socket.readyState === WebSocket.CONNECTING) socket.terminate();
      });
      socket.on('open', () => {
        isAnswered();
        if (!isDone) events.open();
      });
      socket.on('message', (data: Buffer, isBinary: boolean) => {
        if (!isDone) events.message(isBinary ? data : data.toString('utf8'));
      });
      socket.on('error', () => undefined); // 'close' follows and tells
      socket.on('close', (code, reason) => {
        isAnswered();
        if (isDone) return;
        isDone = true;
        events.closed(reason.toString('utf8') || `closed (${code})`);
      });
      return {
        send: (data) => {
          if (socket.readyState === WebSocket.OPEN) socket.send(data);
        },
        get bufferedBytes() {
          return socket.bufferedAmount;
        },
        close: () => {
          if (isDone) return;
          isDone = true;
          if (socket.readyState === WebSocket.CONNECTING) socket.terminate();
          else socket.close(1000);
        },
      };
    },
    peer: (options, events) =>
      new RtcWire(
        (configuration) => closedWithCare(new wrtc.RTCPeerConnection(configuration) as Connection),
        { after },
        options,
        events,
      ),
    sha256: (bytes) => createHash('sha256').update(bytes).digest(),
    verify(publicKey, signature, message) {
      const id = Buffer.from(publicKey).toString('base64');
      if (!keys.has(id)) {
        if (keys.size > 16) keys.clear();
        keys.set(id, publicKeyOf(publicKey));
      }
      const key = keys.get(id);
      return key ? verify(null, message, key, signature) : false;
    },
  };
}
