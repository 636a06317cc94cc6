// Everything between a camera and the coordinate, as the control plane asks for it: a source with its preview, the way to the
// coordinate while live, the recording. Each of these is a file of its own; this one puts them together.
import type { CaptureView, PresetName, Source } from '../../../protocol/capture-state.ts';
import type { Devices, Outcome } from '../../../protocol/control.ts';
import { StartError } from '../../shared/exit-codes.ts';
import type { Log } from '../../shared/log.ts';
import { listDevices } from './devices.ts';
import { Feed, type Plan } from './feed.ts';
import { FfmpegProbe, type FfmpegFacts } from './ffmpeg-facts.ts';
import type { Fragment, Init } from './fragments.ts';
import { LiveLink } from './live-link.ts';
import { mediaFiles } from './media-folder.ts';
import { planFor } from './plan.ts';
import { Recorder } from './recorder.ts';
import type { Target } from './uplink.ts';
import { stateOf } from './view.ts';

export interface CaptureOptions {
  /** Where live goes; asked at each attempt. null: nowhere yet. */
  target: () => Target | null;
  /** Path of an ffmpeg from the settings, if any. */
  ffmpeg?: string | undefined;
  recordingsFolder: string;
  mediaFolder: string;
  log: Log;
  onChange?: (view: CaptureView) => void;
}

const DONE: Outcome<null> = { ok: true, value: null };
const notNow = (detail: string): Outcome<null> => ({ ok: false, reason: 'not-now', detail });
const failed = (detail: string): Outcome<null> => ({ ok: false, reason: 'failed', detail });
const NO_SOURCE = notNow('Choose a source first.');

export class Capture {
  readonly #options: CaptureOptions;
  readonly #feed: Feed;
  readonly #link: LiveLink;
  readonly #recorder: Recorder;
  readonly #probe: FfmpegProbe;
  readonly #previews = new Set<(data: string | Uint8Array) => void>();
  #isExternal = false;
  #isClosed = false;
  /** Counts what was asked of the source: an earlier wish has been overtaken. */
  #wish = 0;

  constructor(options: CaptureOptions) {
    this.#options = options;
    this.#probe = new FfmpegProbe(options.ffmpeg);
    this.#feed = new Feed(
      {
        init: (init) => this.#init(init),
        fragment: (fragment) => this.#fragment(fragment),
        changed: () => this.#changed(),
      },
      options.log,
    );
    this.#link = new LiveLink({
      target: options.target,
      recent: this.#feed.recent,
      log: options.log,
      onChange: () => this.#changed(),
    });
    this.#recorder = new Recorder(options.recordingsFolder, this.#feed.recent, () => this.#changed());
  }

  get view(): CaptureView {
    const { state, numbers } = this.#feed;
    const encoder = state.is === 'none' ? null : state.plan.encoder;
    return {
      state: stateOf(state, this.#link.state, this.#isExternal),
      progress: numbers && {
        ...numbers,
        droppedFrames: numbers.droppedFrames + this.#link.droppedFragments,
        encoder,
      },
      recording: this.#recorder.view,
    };
  }

  /** Starts the preview, or changes a running one or the live stream over; viewers stay. */
  async setSource({ source, preset }: { source: Source; preset: PresetName }): Promise<Outcome<null>> {
    if (this.#isClosed) return notNow('The capture is closed.');
    const wish = ++this.#wish;
    if (source.kind === 'external') {
      this.#link.stop();
      await Promise.all([this.#feed.stop(), this.#recorder.stop()]);
      if (wish === this.#wish) this.#isExternal = true;
      this.#changed();
      return DONE;
    }
    let plan: Plan | string;
    try {
      plan = await planFor(source, preset, { probe: this.#probe, mediaFolder: this.#options.mediaFolder });
    } catch (error) {
      if (error instanceof StartError) return failed(error.message);
      throw error;
    }
    if (typeof plan === 'string') return failed(plan);
    if (wish !== this.#wish) return notNow('Another source was chosen meanwhile.');
    this.#isExternal = false;
    const failure = await this.#feed.start(plan);
    return failure ? failed(`${failure.reason} ${failure.action}`) : DONE;
  }

  /** Connects the running preview, or as soon as it runs. An external encoder goes live by itself. */
  goLive(): Outcome<null> {
    if (this.#isExternal) return DONE;
    const { is } = this.#feed.state;
    if (is === 'none') return NO_SOURCE;
    if (is === 'failed') this.#feed.retryNow();
    this.#link.start();
    return DONE;
  }

  /** Back to the preview. Answers at once; the coordinate sees a clean end. */
  stopLive(): Promise<Outcome<null>> {
    this.#link.stop();
    return Promise.resolve(DONE);
  }

  /** Ends ffmpeg, and being live with it. */
  async stopPreview(): Promise<Outcome<null>> {
    this.#wish++;
    this.#isExternal = false;
    this.#link.stop();
    await Promise.all([this.#feed.stop(), this.#recorder.stop()]);
    return DONE;
  }

  /** A person's wish: cuts a connection that hangs, does not wait any longer, tries again what has failed. */
  reconnectNow(): Outcome<null> {
    const [feed, link] = [this.#feed.state, this.#link.state];
    if (feed.is === 'none' || (link.is === 'off' && feed.is !== 'failed' && feed.is !== 'waiting'))
      return notNow('Nothing is live.');
    this.#feed.retryNow();
    this.#link.reconnect();
    return DONE;
  }

  /** The coordinate is back: does not wait any longer. */
  retryNow(): void {
    this.#link.retryNow();
  }

  targetChanged(): Promise<void> {
    this.#link.move();
    return Promise.resolve();
  }

  /** While a source is there; each stretch of one source is a file of its own. */
  async setRecording({ on }: { on: boolean }): Promise<Outcome<null>> {
    if (!on) await this.#recorder.stop();
    else if (this.#isExternal) return notNow('Your encoder’s stream is not recorded here: record it there.');
    else if (this.#feed.state.is === 'none') return NO_SOURCE;
    else this.#recorder.start();
    return DONE;
  }

  async listDevices(): Promise<Devices> {
    const { mediaFolder } = this.#options;
    const { path } = await this.#probe.facts();
    const [found, files] = await Promise.all([
      listDevices(path),
      mediaFiles(mediaFolder).catch((error: Error) => `The media folder can not be read: ${error.message}`),
    ]);
    const problem = typeof files === 'string' ? files : found.problem;
    return { ...found, files: typeof files === 'string' ? [] : files, mediaFolder, problem };
  }

  /** Probed at the first call, which takes a moment. */
  ffmpegFacts(): Promise<FfmpegFacts> {
    return this.#probe.facts();
  }

  /** A MIME type as text, the init segment, then fragments; anew after each switch. @returns stops it */
  preview(hear: (data: string | Uint8Array) => void): () => void {
    const { init, fragments } = this.#feed.recent;
    if (init) {
      hear(init.mime);
      hear(init.bytes);
      for (const fragment of fragments) hear(fragment.bytes);
    }
    this.#previews.add(hear);
    return () => this.#previews.delete(hear);
  }

  /** No ffmpeg is left behind. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#previews.clear();
    await this.stopPreview();
    await this.#link.parted();
  }

  #init(init: Init): void {
    for (const hear of this.#previews) {
      hear(init.mime);
      hear(init.bytes);
    }
    this.#recorder.init();
    this.#link.init(init);
  }

  #fragment(fragment: Fragment): void {
    for (const hear of this.#previews) hear(fragment.bytes);
    this.#recorder.fragment(fragment);
    this.#link.fragment(fragment);
  }

  #changed(): void {
    this.#options.onChange?.(this.view);
  }
}
