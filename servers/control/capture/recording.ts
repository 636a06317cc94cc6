// The recording: what the source delivers, appended to a file as it comes. Fragmented MP4 plays up to its last whole fragment, whatever
// ends the program; each write goes to the system at once, and to the disk every few seconds.
import { mkdir, open, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import type { CaptureView } from '../../../protocol/capture-state.ts';
import type { Fragment } from './fragments.ts';
import type { Recent } from './recent.ts';

export type RecordingView = NonNullable<CaptureView['recording']>;

/** What may wait for a slow disk; above it the recording ends with a sentence instead of eating the memory. */
const MOST_WAITING_BYTES = 32 * 1024 * 1024;
const TO_DISK_EVERY_MS = 2_000;

export class Recording {
  readonly #file: string;
  readonly #onChange: () => void;
  readonly #open: (file: string) => Promise<FileHandle>;
  readonly #sinceMs = Date.now();
  #handle: FileHandle | null = null;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #written = 0;
  #problem: string | null = null;
  #isClosed = false;
  /** The writing under way. */
  #writing: Promise<void> = Promise.resolve();
  #isWriting = false;
  #syncedMs = performance.now();

  constructor(file: string, onChange: () => void, openFile = create) {
    this.#file = file;
    this.#onChange = onChange;
    this.#open = openFile;
  }

  get view(): RecordingView {
    return { file: this.#file, bytes: this.#written, sinceMs: this.#sinceMs, problem: this.#problem };
  }

  /** Begins with what a newcomer would get. Never rejects: what is wrong is in the view. */
  start(recent: Recent): void {
    if (recent.init) this.#put(recent.init.bytes);
    for (const fragment of recent.fragments) this.#put(fragment.bytes);
  }

  add(fragment: Fragment): void {
    this.#put(fragment.bytes);
  }

  /** Writes what is left; resolves when the file is closed. */
  async close(): Promise<void> {
    if (!this.#isClosed) {
      this.#isClosed = true;
      await this.#writing;
      await this.#handle?.sync().catch(() => {}); // the writes have told already
      await this.#handle?.close().catch(() => {});
      this.#handle = null;
    }
    await this.#writing;
  }

  #put(bytes: Buffer): void {
    if (this.#isClosed || this.#problem !== null) return;
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
    if (this.#waitingBytes > MOST_WAITING_BYTES)
      this.#fail('The disk is too slow for the recording, which has ended: choose another disk.');
    else if (!this.#isWriting) this.#writing = this.#write();
  }

  async #write(): Promise<void> {
    this.#isWriting = true;
    try {
      this.#handle ??= await this.#open(this.#file);
      while (this.#waiting.length > 0) {
        const bytes = Buffer.concat(this.#waiting);
        this.#waiting = [];
        this.#waitingBytes = 0;
        for (let at = 0; at < bytes.length;) at += (await this.#handle.write(bytes, at)).bytesWritten;
        this.#written += bytes.length;
        if (performance.now() - this.#syncedMs < TO_DISK_EVERY_MS) continue;
        await this.#handle.datasync();
        this.#syncedMs = performance.now();
      }
    } catch (error) {
      this.#fail(recordingProblem(error as NodeJS.ErrnoException, this.#file));
    } finally {
      this.#isWriting = false;
    }
  }

  #fail(problem: string): void {
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#problem = problem;
    this.#onChange();
  }
}

async function create(file: string): Promise<FileHandle> {
  await mkdir(path.dirname(file), { recursive: true });
  return open(file, 'ax', 0o640); // never over another one
}

/** `live 2026-11-24 09-30-05.mp4`, in local time; a second one in the same second has a number. */
export function recordingName(at: Date, count: number): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  const time = [at.getHours(), at.getMinutes(), at.getSeconds()].map(two).join('-');
  return `live ${day} ${time}${count > 1 ? ` (${count})` : ''}.mp4`;
}

export function recordingProblem({ code, message }: NodeJS.ErrnoException, file: string): string {
  const folder = path.dirname(file);
  switch (code ?? '') {
    case 'ENOSPC':
    case 'EDQUOT':
      return `The disk is full, and the recording has ended: make room in ${folder}.`;
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return `The recording can not be written: allow writing in ${folder}, or choose another folder.`;
    case 'ENOENT':
    case 'ENOTDIR':
    case 'EIO':
      return `The folder of the recordings is not there any more: check ${folder}.`;
    default:
      return `The recording has ended: ${message.slice(0, 200)}`;
  }
}
