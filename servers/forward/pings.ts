// Finds half-open sockets: each is pinged in every round, and one that has not answered the round before is ended.
import type { WebSocket } from 'ws';

export class Pings {
  readonly #waiting = new Map<WebSocket, boolean>();

  watch(socket: WebSocket): void {
    this.#waiting.set(socket, false);
    socket.on('pong', () => this.#waiting.set(socket, false));
    socket.on('close', () => this.#waiting.delete(socket));
  }

  round(): void {
    for (const [socket, isWaiting] of this.#waiting) {
      if (isWaiting) {
        socket.terminate();
        continue;
      }
      this.#waiting.set(socket, true);
      socket.ping();
    }
  }
}
