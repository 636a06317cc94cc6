// While recording is on: one file for each stretch of one source, a new one at each switch. The writing itself is recording.ts's.
import path from 'node:path';
import type { Fragment } from './fragments.ts';
import type { Recent } from './recent.ts';
import { Recording, recordingName, type RecordingView } from './recording.ts';

export class Recorder {
  readonly #folder: string;
  readonly #recent: Recent;
  readonly #onChange: () => void;
  #isOn = false;
  #recording: Recording | null = null;
  readonly #closing = new Set<Promise<void>>();
  #last = { name: '', count: 0 };

  constructor(folder: string, recent: Recent, onChange: () => void) {
    this.#folder = folder;
    this.#recent = recent;
    this.#onChange = onChange;
  }

  get isOn(): boolean {
    return this.#isOn;
  }

  get view(): RecordingView | null {
    return this.#recording?.view ?? null;
  }

  /** Begins at once when the source delivers, or as soon as it does. */
  start(): void {
    const hasFailed = (this.view?.problem ?? null) !== null;
    if (this.#isOn && !hasFailed) return;
    this.#isOn = true;
    this.#finish();
    if (this.#recent.init) this.#begin();
    this.#onChange();
  }

  /** Resolves when the files are closed. */
  async stop(): Promise<void> {
    this.#isOn = false;
    this.#finish();
    this.#onChange();
    await Promise.all(this.#closing);
  }

  /** Another stretch: the file before is complete. */
  init(): void {
    if (this.#isOn) this.#begin();
  }

  fragment(fragment: Fragment): void {
    this.#recording?.add(fragment);
  }

  #begin(): void {
    this.#finish();
    const now = new Date();
    const name = recordingName(now, 1);
    this.#last = { name, count: name === this.#last.name ? this.#last.count + 1 : 1 };
    const file = path.join(this.#folder, recordingName(now, this.#last.count));
    this.#recording = new Recording(file, this.#onChange);
    this.#recording.start(this.#recent);
  }

  #finish(): void {
    if (!this.#recording) return;
    const closing = this.#recording.close().finally(() => this.#closing.delete(closing));
    this.#closing.add(closing);
    this.#recording = null;
  }
}
