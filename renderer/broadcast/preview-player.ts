// Plays the capture's own picture as it comes over the preview wire: a MIME type, an init segment, fragments; anew after each switch.

/** Nearer to the newest picture than this the player would stumble; further behind than that it jumps. */
const NEAR_S = 0.08;
const FAR_S = 0.7;
const KEEP_BEHIND_S = 4;
/** Some seconds of fragments in front of a slow decoder. */
const MAX_QUEUE = 300;

export class PreviewPlayer {
  readonly #video: HTMLVideoElement;
  /** Told when the picture can't be shown, with a sentence, and with null when it can. */
  readonly #problem: (sentence: string | null) => void;
  #source: MediaSource | null = null;
  #buffer: SourceBuffer | null = null;
  #mime = '';
  #queue: ArrayBuffer[] = [];
  #isClosed = false;

  constructor(video: HTMLVideoElement, problem: (sentence: string | null) => void) {
    this.#video = video;
    this.#problem = problem;
  }

  hear(data: string | ArrayBuffer): void {
    if (this.#isClosed) return;
    if (typeof data === 'string') return this.#begin(data);
    if (!this.#source) return;
    if (this.#queue.length >= MAX_QUEUE) return this.#begin(this.#mime, 'The preview fell behind and starts again.');
    this.#queue.push(data);
    this.#pump();
  }

  close(): void {
    this.#isClosed = true;
    this.#drop();
  }

  #begin(mime: string, why: string | null = null): void {
    this.#drop();
    this.#mime = mime;
    if (typeof MediaSource === 'undefined' || !MediaSource.isTypeSupported(mime))
      return this.#problem('This browser cannot show the preview. Viewers are not affected.');
    this.#problem(why);
    const source = new MediaSource();
    this.#source = source;
    this.#video.src = URL.createObjectURL(source);
    source.addEventListener('sourceopen', () => {
      if (source !== this.#source) return;
      this.#buffer = source.addSourceBuffer(mime);
      this.#buffer.addEventListener('error', () => {
        this.#drop();
        this.#problem('The preview cannot be decoded here. Viewers are not affected.');
      });
      this.#buffer.addEventListener('updateend', () => {
        this.#follow();
        this.#pump();
      });
      this.#pump();
    });
    this.#video.play().catch(() => undefined); // begins with the first fragment
  }

  #pump(): void {
    const buffer = this.#buffer;
    if (!buffer || buffer.updating || this.#source?.readyState !== 'open') return;
    const { buffered } = buffer;
    const start = buffered.length > 0 ? buffered.start(0) : 0;
    try {
      if (this.#video.currentTime - start > 2 * KEEP_BEHIND_S)
        buffer.remove(start, this.#video.currentTime - KEEP_BEHIND_S);
      else {
        const next = this.#queue.shift();
        if (next) buffer.appendBuffer(next);
      }
    } catch (error) {
      this.#drop();
      this.#problem(`The preview stopped (${String(error)}). Viewers are not affected.`);
    }
  }

  /** Stays near the newest picture: a preview that lags is of no use. */
  #follow(): void {
    const { buffered } = this.#video;
    if (buffered.length === 0) return;
    const end = buffered.end(buffered.length - 1);
    const behindS = end - this.#video.currentTime;
    if (behindS > FAR_S || this.#video.currentTime < buffered.start(buffered.length - 1))
      this.#video.currentTime = Math.max(buffered.start(buffered.length - 1), end - NEAR_S);
    if (this.#video.paused) this.#video.play().catch(() => undefined);
  }

  #drop(): void {
    this.#queue = [];
    this.#buffer = null;
    this.#source = null;
    if (this.#video.src) URL.revokeObjectURL(this.#video.src);
    this.#video.removeAttribute('src');
  }
}
