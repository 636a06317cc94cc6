// The capture's picture over a socket of its own, so that it never stands before an answer: hello, then a MIME type, then fragments.
import { retryDelayMs } from './retry-delay.ts';

export type OpenSocket = (url: string) => WebSocket;

/** Dials again after a break until it is stopped. @returns stops it */
export function keepPreview(
  to: { url: string; token: string; open: OpenSocket },
  hear: (data: string | ArrayBuffer) => void,
): () => void {
  let socket: WebSocket | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isStopped = false;
  let attempt = 0;
  const dial = (): void => {
    const mine = to.open(to.url);
    socket = mine;
    mine.binaryType = 'arraybuffer';
    mine.onopen = () => mine.send(JSON.stringify({ type: 'hello', token: to.token }));
    mine.onmessage = ({ data }: MessageEvent<string | ArrayBuffer>) => {
      attempt = 0;
      // The greeting's own answers are JSON; a MIME type is not.
      if (typeof data !== 'string' || !data.startsWith('{')) hear(data);
    };
    mine.onclose = () => {
      if (!isStopped) timer = setTimeout(dial, retryDelayMs(++attempt));
    };
  };
  dial();
  return () => {
    isStopped = true;
    clearTimeout(timer);
    socket?.close();
  };
}
