// A place on disk for pushed files that can only be read when all of them is here (an MP4 whose
// index comes last): bounded over all pushes, deleted with the push, and swept at the next start
// should this program be killed.
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';

/** Over all pushes together: two hours at 2 Mbps. */
const MAX_SPOOL_BYTES = 2 * 1024 ** 3;

export class Spool {
  readonly #folder: string;
  readonly #maxBytes: number;
  #bytes = 0;
  #count = 0;

  /** Takes what a killed program has left there away. */
  constructor(dataDir: string, maxBytes = MAX_SPOOL_BYTES) {
    this.#folder = join(dataDir, 'spool');
    this.#maxBytes = maxBytes;
    for (const name of namesIn(this.#folder)) {
      const pid = Number(/^(\d+)-/.exec(name)?.[1] ?? 0);
      if (pid === process.pid || !isRunning(pid)) rmSync(join(this.#folder, name), { force: true });
    }
  }

  /** Room for some more bytes? They are counted until they are given back. */
  grow(bytes: number): boolean {
    if (this.#bytes + bytes > this.#maxBytes) return false;
    this.#bytes += bytes;
    return true;
  }

  shrink(bytes: number): void {
    this.#bytes -= bytes;
  }

  get refusal(): string {
    const megabytes = Math.floor(this.#maxBytes / 1024 ** 2);
    return `That file must be here whole before it can be played, and at most ${megabytes} MB may be kept: push fragmented MP4 or MPEG-TS.`;
  }

  /** @throws when the disk can not be written */
  async open(): Promise<SpooledFile> {
    mkdirSync(this.#folder, { recursive: true });
    const path = join(this.#folder, `${process.pid}-${this.#count++}`);
    return new SpooledFile(this, path, await open(path, 'w+', 0o600));
  }
}

/** One push's file. */
export class SpooledFile {
  readonly #spool: Spool;
  readonly #file: FileHandle;
  readonly path: string;
  length = 0;
  #closed = false;

  constructor(spool: Spool, path: string, file: FileHandle) {
    this.#spool = spool;
    this.path = path;
    this.#file = file;
  }

  /** @returns false when there is no room; throws when the disk has none */
  async write(bytes: Uint8Array): Promise<boolean> {
    if (!this.#spool.grow(bytes.length)) return false;
    this.length += bytes.length;
    await this.#file.write(bytes);
    return true;
  }

  /** @returns the body of the first box of that type at the top level, or null */
  async box(wanted: string, maxBytes: number): Promise<Buffer | null> {
    const head = Buffer.alloc(16);
    let at = 0;
    while (at + 8 <= this.length) {
      await this.#file.read(head, 0, 16, at);
      const short = head.readUInt32BE(0);
      const size = short === 1 ? Number(head.readBigUInt64BE(8)) : short === 0 ? this.length - at : short;
      const headBytes = short === 1 ? 16 : 8;
      if (size < headBytes || at + size > this.length) return null;
      if (head.toString('latin1', 4, 8) === wanted) {
        if (size > maxBytes) return null;
        const body = Buffer.alloc(size - headBytes);
        await this.#file.read(body, 0, body.length, at + headBytes);
        return body;
      }
      at += size;
    }
    return null;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#spool.shrink(this.length);
    rmSync(this.path, { force: true });
    await this.#file.close();
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // none was ever needed
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
