// What a newcomer needs to see the picture at once: the init segment and the fragments since the last keyframe.
import type { Fragment, Init } from './fragments.ts';

/** A group of pictures larger than this is not kept: newcomers wait for the next keyframe. */
const MAX_BYTES = 8 * 1024 * 1024;

export class Recent {
  #init: Init | null = null;
  #fragments: Fragment[] = [];
  #bytes = 0;

  get init(): Init | null {
    return this.#init;
  }

  /** From a keyframe on, or nothing. */
  get fragments(): readonly Fragment[] {
    return this.#fragments;
  }

  begin(init: Init): void {
    this.clear();
    this.#init = init;
  }

  add(fragment: Fragment): void {
    if (fragment.key) this.#drop();
    else if (this.#fragments.length === 0) return;
    this.#fragments.push(fragment);
    this.#bytes += fragment.bytes.length;
    if (this.#bytes > MAX_BYTES) this.#drop();
  }

  clear(): void {
    this.#init = null;
    this.#drop();
  }

  #drop(): void {
    this.#fragments = [];
    this.#bytes = 0;
  }
}
