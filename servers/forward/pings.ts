// Finds half-open sockets: each is pinged in every round, and one that has not answered in time is
// ended.
import type { WebSocket } from 'ws';
import { awakeMs } from '../shared/awake.ts';

/** Less than a round: a ping that was sent in one is judged in the next. */
const ANSWER_WITHIN_MS = 4_000;

export class Pings {
  /** When each was asked and has not answered since; null: nothing is asked. */
  readonly #asked = new Map<WebSocket, number | null>();

  watch(socket: WebSocket): void {
    this.#asked.set(socket, null);
    socket.on('pong', () => this.#asked.set(socket, null));
    socket.on('close', () => this.#asked.delete(socket));
  }

  /**
   * @param nowMs on a clock that stands while this program does not run: its rounds may come late,
   * and answers wait to be read
   */
  round(nowMs = awakeMs()): void {
    for (const [socket, askedMs] of this.#asked) {
      if (askedMs === null) {
        this.#asked.set(socket, nowMs);
        socket.ping();
      } else if (nowMs - askedMs >= ANSWER_WITHIN_MS) socket.terminate();
    }
  }
}
