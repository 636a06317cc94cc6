// A server that only has a debug feed, with a hand on its rows.
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocketServer } from 'ws';
import { applyChanges, type Change, type MeshView, type Row } from '../../protocol/mesh-view.ts';

export class FakeFeed {
  readonly #view: MeshView = { serial: 0, tables: {} };
  readonly #server: Server = createServer();
  readonly #sockets = new WebSocketServer({ noServer: true });

  constructor() {
    this.#server.on('upgrade', (request, socket, head) =>
      this.#sockets.handleUpgrade(request, socket, head, (ws) =>
        ws.send(JSON.stringify({ type: 'snapshot', program: 'test', ...this.#view })),
      ),
    );
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get base(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** @param port 0: any */
  async open(port = 0): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(port, '127.0.0.1', resolve));
    return this;
  }

  /** @param row null: it goes */
  put(table: string, id: string, row: Row | null): void {
    const change: Change = row ? { op: 'put', table, id, row } : { op: 'drop', table, id };
    applyChanges(this.#view, this.#view.serial + 1, [change]);
    const text = JSON.stringify({ type: 'changes', serial: this.#view.serial, changes: [change] });
    for (const ws of this.#sockets.clients) ws.send(text);
  }

  /** Gone as if killed. */
  async close(): Promise<void> {
    for (const ws of this.#sockets.clients) ws.terminate();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
