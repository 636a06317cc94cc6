// What the console remembers between two starts, in one JSON file of the data folder: settings a person changed there, where live goes,
// other systems, keys and the token. Written whole or not at all; a file that can't be read is set aside and never overwritten.
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import * as v from 'valibot';
import { PresetName, Source } from '../../protocol/capture-state.ts';
import { Url } from '../../protocol/fields.ts';
import type { Log } from '../shared/log.ts';

const FILE = 'console.json';
const Text = v.pipe(v.string(), v.maxLength(10_000));
const Secret = v.pipe(v.string(), v.maxLength(500));

const Saved = v.object({
  version: v.literal(1),
  token: v.pipe(v.string(), v.minLength(16), v.maxLength(500)),
  /** By flag, as text. */
  settings: v.record(v.pipe(v.string(), v.maxLength(100)), Text),
  source: v.optional(Source),
  preset: v.optional(PresetName),
  destination: v.optional(v.picklist(['here', 'network', 'server'])),
  server: v.optional(v.object({ coordinate: Url, key: v.optional(Secret) })),
  /** Made at random as soon as other machines may push. */
  streamKey: v.optional(Secret),
  remotes: v.pipe(v.array(v.object({ coordinate: Url, token: v.optional(Secret) })), v.maxLength(16)),
});
export type Saved = v.InferOutput<typeof Saved>;

export class SavedState {
  readonly file: string;
  /** A sentence when the file had to be set aside or can't be written. */
  note: string | null = null;
  #value: Saved;
  readonly #log: Pick<Log, 'warn'>;

  constructor(folder: string, log: Pick<Log, 'warn'>) {
    this.file = path.join(folder, FILE);
    this.#log = log;
    this.#value = this.#read() ?? { version: 1, token: newToken(), settings: {}, remotes: [] };
  }

  get value(): Readonly<Saved> {
    return this.#value;
  }

  /** Replaces some of it and writes the file. */
  change(part: Partial<Saved>): void {
    this.#value = { ...this.#value, ...part };
    const partial = `${this.file}.${process.pid}.part`;
    try {
      mkdirSync(path.dirname(this.file), { recursive: true });
      writeFileSync(partial, `${JSON.stringify(this.#value, null, 2)}\n`, { mode: 0o600 });
      chmodSync(partial, 0o600);
      renameSync(partial, this.file);
    } catch (error) {
      discard(partial);
      this.note = `What you set in the console can not be kept: ${this.file} could not be written (${(error as NodeJS.ErrnoException).code}).`;
      this.#log.warn({ file: this.file, err: error }, 'the console’s file can not be written');
    }
  }

  #read(): Saved | null {
    let text: string;
    try {
      text = readFileSync(this.file, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      return this.#setAside(`could not be read (${(error as NodeJS.ErrnoException).code})`);
    }
    try {
      const parsed = v.safeParse(Saved, JSON.parse(text));
      if (parsed.success) return parsed.output;
      const where = parsed.issues[0].path?.map((part) => String(part.key)).join('.') ?? 'the whole';
      return this.#setAside(`is not valid (${where})`);
    } catch {
      return this.#setAside('is not JSON');
    }
  }

  #setAside(why: string): null {
    const to = `${this.file}.broken-${new Date().toISOString().replace(/[:.]/g, '-')}`;
    try {
      renameSync(this.file, to);
      this.note = `The console's file ${this.file} ${why}; it was set aside as ${path.basename(to)} and the console starts without it.`;
    } catch {
      this.note = `The console's file ${this.file} ${why}; the console starts without it.`;
    }
    this.#log.warn({ file: this.file }, this.note);
    return null;
  }
}

function discard(file: string): void {
  try {
    rmSync(file, { force: true });
  } catch {
    // it was never there
  }
}

export const newStreamKey = (): string => randomBytes(12).toString('base64url');

export const newToken = (): string => randomBytes(24).toString('base64url');
