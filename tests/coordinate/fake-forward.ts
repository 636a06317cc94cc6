// A forward that only listens: it keeps what the coordinate sends, checks every seal, and hands out the media joined together.
import { createHash, createPublicKey, verify } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { WebSocketServer, type WebSocket } from 'ws';
import { decodeFragment, FLAG, streamTag, type Fragment } from '../../protocol/chunk.ts';
import { merkleTree, signedBytes } from '../../protocol/unit.ts';

const sha256 = (bytes: Uint8Array): Uint8Array => createHash('sha256').update(bytes).digest();

export interface ForwardNews {
  type: string;
  name?: string;
  state?: string;
  epoch?: number;
  publicKey?: string;
}

export interface TakenUnit extends Fragment {
  arrivedMs: number;
}

export class FakeForward {
  readonly units: TakenUnit[] = [];
  readonly news: ForwardNews[] = [];
  readonly authorizations: (string | undefined)[] = [];
  connections = 0;
  #server: WebSocketServer;
  readonly sockets = new Set<WebSocket>();
  readonly #waiters = new Set<() => void>();

  private constructor(server: WebSocketServer) {
    this.#server = server;
    server.on('connection', (socket, request) => {
      this.connections++;
      this.authorizations.push(request.headers.authorization);
      this.take(socket);
      this.#wake();
    });
  }

  static async listen(port = 0): Promise<FakeForward> {
    const server = new WebSocketServer({ host: '127.0.0.1', port, path: '/push' });
    await new Promise((resolve) => server.once('listening', resolve));
    return new FakeForward(server);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get push(): string {
    return `ws://127.0.0.1:${this.port}/push`;
  }

  take(socket: WebSocket): void {
    this.sockets.add(socket);
    socket.on('close', () => this.sockets.delete(socket));
    socket.on('error', () => socket.terminate());
    socket.on('message', (data: Buffer, binary: boolean) => {
      if (binary) {
        const fragment = decodeFragment(data);
        if (!fragment.ok) throw new Error(fragment.refusal.detail);
        this.units.push({ ...fragment.value, arrivedMs: performance.timeOrigin + performance.now() });
      } else this.news.push(JSON.parse(data.toString('utf8')) as ForwardNews);
      this.#wake();
    });
  }

  of(name: string): TakenUnit[] {
    return this.units.filter((u) => u.stream === streamTag(name));
  }

  stateOf(name: string): string | undefined {
    return this.news.findLast((n) => n.type === 'stream' && n.name === name)?.state;
  }

  /** Init segment and units of the newest epoch, joined. */
  media(name: string, epoch = Math.max(...this.of(name).map((u) => u.epoch))): Buffer {
    return Buffer.concat(
      this.of(name)
        .filter((u) => u.epoch === epoch)
        .map((u) => u.payload),
    );
  }

  /** Are all seals right, numbers without a gap, flags sensible? Returns what is wrong. */
  async faults(name: string): Promise<string[]> {
    const hello = this.news.find((n) => n.type === 'hello');
    if (!hello?.publicKey) return ['no hello'];
    const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: hello.publicKey }, format: 'jwk' });
    const faults: string[] = [];
    let last: TakenUnit | undefined;
    for (const unit of this.of(name)) {
      const { root } = await merkleTree(sha256, unit.payload);
      const signed = signedBytes(name, unit, root);
      if (!unit.seal || !verify(null, signed, key, unit.seal.signature)) faults.push(`unit ${unit.unit}: bad seal`);
      if ((unit.unit === 0) !== ((unit.flags & FLAG.init) !== 0)) faults.push(`unit ${unit.unit}: init flag`);
      // A forward that comes later gets the init segment and then the newest keyframe.
      const joined = last?.unit === 0 && (unit.flags & FLAG.key) !== 0;
      if (last?.epoch === unit.epoch && unit.unit !== last.unit + 1 && !joined)
        faults.push(`unit ${unit.unit} after ${last.unit}`);
      if (last && unit.epoch < last.epoch) faults.push(`epoch ${unit.epoch} after ${last.epoch}`);
      last = unit;
    }
    return faults;
  }

  /** Resolves when the condition holds; it is looked at after each message. */
  async until(what: string, holds: () => boolean, ms = 15_000): Promise<void> {
    if (holds()) return;
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiters.delete(look);
        reject(
          new Error(
            `not in ${ms} ms: ${what}; news ${JSON.stringify(this.news.slice(-4))}, ${this.units.length} units`,
          ),
        );
      }, ms);
      const look = (): void => {
        if (!holds()) return;
        clearTimeout(timer);
        this.#waiters.delete(look);
        resolve();
      };
      this.#waiters.add(look);
    });
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.terminate();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #wake(): void {
    for (const look of this.#waiters) look();
  }
}
