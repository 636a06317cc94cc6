// The ffmpeg child of one ingest: bytes in, FLV out, back-pressure both ways, its last words kept.
// It ends with the ingest, and by itself (its pipes break) should this program be killed.
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { normaliseArgs, type NormaliseHow } from './normalise-args.ts';
import type { FfmpegDoor } from './media/sniff.ts';

const MAX_TAIL_CHARS = 4_000;
/** After its input ended, ffmpeg may be silent this long before it is given up. */
const FINISH_MS = 10_000;

export interface Ending {
  /** null when it was killed. */
  code: number | null;
  /** The end of what it said on stderr. */
  tail: string;
}

export class Normaliser {
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  /** Settles when the process is gone and its output read. Never rejects. */
  readonly ended: Promise<Ending>;
  #tail = '';
  #inputBroken = false;
  /** It has all its input. */
  #finished = false;
  /** Somebody waits for what it writes. */
  #asked = false;
  #silence: NodeJS.Timeout | undefined;

  constructor(ffmpeg: string, door: FfmpegDoor, how: NormaliseHow) {
    this.#child = spawn(ffmpeg, normaliseArgs(door, how), { stdio: ['pipe', 'pipe', 'pipe'], windowsHide: true });
    const { stdin, stderr } = this.#child;
    stderr.setEncoding('utf8');
    stderr.on('data', (text: string) => {
      this.#tail = (this.#tail + text).slice(-MAX_TAIL_CHARS);
    });
    // A broken pipe only means that it ended: `ended` says why.
    stdin.on('error', () => {
      this.#inputBroken = true;
    });
    this.ended = new Promise((resolve) => {
      this.#child.once('error', (error) => resolve({ code: 1, tail: `${this.#tail}\n${error.message}` }));
      this.#child.once('close', (code) => {
        clearTimeout(this.#silence);
        resolve({ code, tail: this.#tail });
      });
    });
  }

  /** FLV, as it comes. Reading it slowly holds the whole chain back. */
  async *output(): AsyncGenerator<Buffer> {
    this.#asked = true;
    this.#watch();
    for await (const bytes of this.#child.stdout as AsyncIterable<Buffer>) {
      this.#asked = false;
      this.#watch();
      yield bytes;
      this.#asked = true;
      this.#watch();
    }
  }

  /** Resolves when it may be given more. @returns false when it takes nothing any more */
  async write(bytes: Uint8Array): Promise<boolean> {
    const { stdin } = this.#child;
    if (this.#inputBroken || stdin.destroyed) return false;
    if (!stdin.write(bytes))
      await new Promise<void>((resolve) => {
        const done = (): void => {
          stdin.off('drain', done);
          stdin.off('close', done);
          resolve();
        };
        stdin.on('drain', done);
        stdin.on('close', done);
      });
    return !this.#inputBroken && !stdin.destroyed;
  }

  /** No more input: it writes what it holds and ends. */
  finish(): void {
    this.#child.stdin.end();
    this.#finished = true;
    this.#watch();
  }

  close(): void {
    clearTimeout(this.#silence);
    this.#child.stdin.destroy();
    this.#child.kill('SIGKILL');
    this.#child.stdout.destroy();
  }

  /** Only silence while somebody reads is its own: a file is read as slowly as it plays. */
  #watch(): void {
    clearTimeout(this.#silence);
    if (this.#finished && this.#asked) this.#silence = setTimeout(() => this.close(), FINISH_MS);
  }
}
