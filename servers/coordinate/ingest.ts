// One publisher's life: its first bytes are recognised, its media demuxed here or by ffmpeg, paced,
// packed into units and published, until it ends, vanishes, stalls or is refused. HTTP is
// publish-api.ts's business.
import { availableParallelism } from 'node:os';
import { refuse, type Refusal } from '../../protocol/refusal.ts';
import { localPatience } from '../shared/awake.ts';
import { lastWords, meaningOf } from '../shared/ffmpeg.ts';
import { lookHowItArrives } from './arrival.ts';
import { coordinateNowMs } from './clock.ts';
import { handedOver, howOf, refinedDoor } from './doors.ts';
import { demuxerFor } from './media/demuxer.ts';
import { Packager } from './media/packager.ts';
import type { Demuxer, Halt } from './media/sample.ts';
import { MAX_SNIFF_BYTES, mp4Door, sniff, type DirectDoor, type Door, type FfmpegDoor } from './media/sniff.ts';
import { Normaliser } from './normalise.ts';
import { threadsOf } from './normalise-args.ts';
import type { OnAir, Publisher } from './on-air.ts';
import { Pacer } from './pacer.ts';
import type { Last, Next, PushBody } from './push-body.ts';
import type { Spool } from './spool.ts';
import type { Transcodes } from './transcodes.ts';

export type Outcome =
  | { how: 'ended' }
  | { how: 'interrupted'; why: string; stalled: boolean }
  /** @property words ffmpeg's own, for the log */
  | { how: 'refused'; refusal: Refusal; words?: string | null };

export interface IngestSettings {
  ingestIdleMs: number;
  unitMs: number;
  /** null: this machine has none. */
  ffmpeg: string | null;
  transcodes: Transcodes;
  spool: Spool;
}

type Source = Pick<PushBody, 'next' | 'nextWithin'>;
/** What ffmpeg reads: the push from here on, or a file of ours. */
type Feed = Piped | { file: string };
interface Piped {
  head: Buffer;
  source: Source;
  arrival: boolean;
  keepTimes: boolean;
}

/** ffmpeg that was given bytes and wrote nothing for so long will not. */
const FIRST_MEDIA_MS = 15_000;
/** What ffmpeg was given is kept until it has shown what that is, and no more of it. */
const MAX_KEPT_BYTES = 8 * 1024 * 1024;
/** The index of a film of ten hours. */
const MAX_INDEX_BYTES = 64 * 1024 * 1024;

const NO_FFMPEG =
  'That format needs ffmpeg, which this coordinate does not have: push FLV or MPEG-TS with H.264 and AAC.';
const NO_INDEX = 'That MP4 has no index: it was cut off. Push the whole file, or fragmented MP4.';
const UNREADABLE = 'ffmpeg could not convert that: push MPEG-TS or FLV with H.264 and AAC.';
const NOTHING = 'No picture and no sound could be found in it: check what the encoder sends.';

export class Ingest implements Publisher {
  readonly #body: PushBody;
  readonly #settings: IngestSettings;
  readonly #packager: Packager;
  readonly #pacer: Pacer;
  readonly #told: (how: string) => void;
  #begun = false;
  /** Reads a file of ours: it is not stopped by the end of the push. */
  #reading: Normaliser | null = null;
  /** What is being done with the media, for people. */
  how = 'recognising';

  /** @param told is told once more whenever `how` changes */
  constructor(onAir: OnAir, body: PushBody, settings: IngestSettings, told: (how: string) => void = () => {}) {
    this.#told = told;
    this.#body = body;
    this.#settings = settings;
    const outlet = onAir.outlet(this);
    this.#packager = new Packager(settings.unitMs, {
      epochBegan: (init, configs) => {
        this.#begun = true;
        outlet.begin(init, configs);
      },
      unit: (unit) => outlet.unit(unit, Math.round(this.#pacer.clock.stampMs(unit.startUs / 1_000, coordinateNowMs()))),
      captured: (ptsUs) => this.#pacer.capture(ptsUs),
    });
    this.#pacer = new Pacer(this.#packager, settings.unitMs, coordinateNowMs);
  }

  /** Pictures that came too late to be of use. */
  get skipped(): number {
    return this.#pacer.skipped;
  }

  /** Runs until the push is over. Never rejects. */
  async run(): Promise<Outcome> {
    try {
      return await this.#take(this.#body);
    } catch (error) {
      // A bug, or the machine's limits: this publisher is told, the others go on.
      return { how: 'interrupted', why: `the ingest failed: ${(error as Error).message}`, stalled: false };
    } finally {
      this.#pacer.close();
    }
  }

  isSilent(ms: number): boolean {
    return this.#body.isSilent(ms);
  }

  replace(): void {
    this.#stop('another publisher with the same key has taken its place');
  }

  /** Ends it from outside. */
  close(): void {
    this.#stop();
  }

  #stop(why?: string): void {
    this.#body.cancel(why);
    this.#pacer.close();
    this.#reading?.close();
  }

  async #take(source: Source): Promise<Outcome> {
    let head: Buffer = Buffer.alloc(0);
    for (;;) {
      const next = await source.next();
      if (next.is === 'gone') return { how: 'interrupted', why: next.why, stalled: false };
      if (next.is === 'stalled') return this.#stalled();
      if (next.is === 'bytes') head = head.length === 0 ? next.bytes : Buffer.concat([head, next.bytes]);
      const found = sniff(head, next.is === 'end' || head.length >= MAX_SNIFF_BYTES);
      if (found.is === 'refused') return { how: 'refused', refusal: found.refusal };
      if (found.is === 'more') continue;
      const rest = next.is === 'end' ? only(next) : source;
      return found.is === 'door' ? this.#enter(found.door, head, rest) : this.#wholeFile(head, rest);
    }
  }

  async #enter(door: Door, head: Buffer, source: Source): Promise<Outcome> {
    if (!door.timeless) return this.#open(door, head, source, false);
    const { live, bytes, last } = await lookHowItArrives(source, head);
    return this.#open(door, bytes, last ? only(last) : source, live);
  }

  #open(door: Door, head: Buffer, source: Source, arrival: boolean): Promise<Outcome> {
    if (door.direct) return this.#direct(door, head, source, arrival);
    return this.#throughFfmpeg(door, { head, source, arrival, keepTimes: false });
  }

  async #direct(door: DirectDoor, head: Buffer, source: Source, arrival: boolean): Promise<Outcome> {
    this.#say(howOf(door, arrival));
    const arrivalUs = arrival ? () => coordinateNowMs() * 1_000 : null;
    const demuxer = demuxerFor(door.format, this.#pacer, { program: door.program, arrivalUs });
    let next: Next = { is: 'bytes', bytes: head };
    for (;;) {
      if (next.is === 'bytes') {
        const halt = demuxer.push(next.bytes);
        if (halt && 'handover' in halt) {
          const rest = { head: Buffer.concat(halt.replay), source, arrival, keepTimes: !door.timeless };
          return this.#throughFfmpeg(handedOver(door, halt), rest);
        }
        if (halt) return { how: 'refused', refusal: halt };
        await this.#pacer.room();
      } else return await this.#finish(next);
      next = await source.next();
    }
  }

  /** An MP4 that is only understood from its end. */
  async #wholeFile(head: Buffer, source: Source): Promise<Outcome> {
    this.#say('MP4 with its index at the end: it is played when all of it is here');
    const { spool } = this.#settings;
    const file = await spool.open();
    try {
      for (let next: Next = { is: 'bytes', bytes: head }; next.is !== 'end'; next = await source.next()) {
        if (next.is !== 'bytes') return await this.#finish(next);
        if (!(await file.write(next.bytes)))
          return { how: 'refused', refusal: { reason: 'too-large', detail: spool.refusal } };
      }
      const moov = await file.box('moov', MAX_INDEX_BYTES);
      if (!moov) return { how: 'refused', refusal: refused(NO_INDEX) };
      const found = mp4Door(moov);
      if (found.is === 'refused') return { how: 'refused', refusal: found.refusal };
      if (found.is !== 'door' || found.door.direct) return { how: 'refused', refusal: refused(NO_INDEX) };
      this.#body.onHangUp(() => this.#stop('the publisher hung up'));
      return await this.#throughFfmpeg(found.door, { file: file.path });
    } finally {
      await file.close();
    }
  }

  async #throughFfmpeg(door: FfmpegDoor, feed: Feed): Promise<Outcome> {
    const { ffmpeg, transcodes } = this.#settings;
    if (ffmpeg === null) return { how: 'refused', refusal: refused(NO_FFMPEG) };
    const costly = door.picture && !door.copyVideo;
    const giveBack = costly ? transcodes.take() : () => {};
    if (!giveBack) return { how: 'refused', refusal: { reason: 'full', detail: transcodes.refusal } };
    try {
      const ended = await this.#runFfmpeg(ffmpeg, door, feed);
      if (!('again' in ended)) return ended;
      giveBack();
      return await this.#throughFfmpeg(ended.again, ended.feed);
    } finally {
      giveBack();
    }
  }

  async #runFfmpeg(ffmpeg: string, door: FfmpegDoor, feed: Feed): Promise<Outcome | { again: FfmpegDoor; feed: Feed }> {
    const piped = 'file' in feed ? null : feed;
    const arrival = piped?.arrival ?? false;
    this.#say(howOf(door, arrival));
    const child = new Normaliser(ffmpeg, door, {
      threads: threadsOf(availableParallelism()),
      arrival,
      keepTimes: piped?.keepTimes ?? false,
      file: 'file' in feed ? feed.file : null,
    });
    if (!piped) this.#reading = child;
    const read = this.#readOutput(child, demuxerFor('flv', this.#pacer));
    const kept: Buffer[] = [];
    const feeding = piped ? this.#feed(child, piped, kept) : Promise.resolve<Last>({ is: 'end' });
    let silent = false;
    const wait = localPatience(FIRST_MEDIA_MS, () => {
      silent = !this.#begun;
      if (silent) child.close();
    });
    try {
      const fed = await Promise.race([feeding, child.ended.then(() => null)]);
      if (fed?.is === 'end') child.finish();
      else if (fed) return await this.#finish(fed);
      const halt = await read;
      if (halt && 'handover' in halt) {
        child.close();
        const rest = await feeding;
        const source = rest ? only(rest) : piped?.source;
        if (piped && kept.length === 0) return { how: 'interrupted', why: changedTo(halt.what), stalled: false };
        const again = piped && source ? { ...piped, head: Buffer.concat(kept), source } : feed;
        return { again: refinedDoor(door, halt), feed: again };
      }
      const { code, tail } = await child.ended;
      if (this.#body.cancelled) return await this.#finish(this.#body.cancelled);
      if (halt) return { how: 'refused', refusal: halt };
      if (silent) return { how: 'refused', refusal: refused(NOTHING) };
      if (code !== 0)
        return { how: 'refused', refusal: refused(meaningOf(tail) ?? UNREADABLE), words: lastWords(tail) };
      return await this.#finish({ is: 'end' });
    } finally {
      wait();
      child.close();
      await read;
    }
  }

  /**
   * Everything that is pushed goes to the child; resolves when the push is over or the child takes
   * no more.
   * @param kept gets what it was given, until the first media came of it
   */
  async #feed(child: Normaliser, { head, source }: Piped, kept: Buffer[]): Promise<Last | null> {
    let bytes = head;
    let keptBytes = 0;
    for (;;) {
      keptBytes += bytes.length;
      if (this.#begun || keptBytes > MAX_KEPT_BYTES) kept.length = 0;
      else kept.push(bytes);
      if (!(await child.write(bytes))) return null;
      const next = await source.next();
      if (next.is !== 'bytes') return next;
      bytes = next.bytes;
    }
  }

  async #readOutput(child: Normaliser, demuxer: Demuxer): Promise<Halt | null> {
    try {
      for await (const bytes of child.output()) {
        const halt = demuxer.push(bytes);
        if (halt) return halt;
        await this.#pacer.room();
      }
    } catch {
      return null; // destroyed with the child: `ended` tells why
    }
    return null;
  }

  #say(how: string): void {
    this.how = how;
    this.#told(how);
  }

  /** Lets out what is still held and says how it went. */
  async #finish(last: Last): Promise<Outcome> {
    await this.#pacer.drained();
    this.#packager.flush();
    if (last.is === 'gone') return { how: 'interrupted', why: last.why, stalled: false };
    if (last.is === 'stalled') return this.#stalled();
    return this.#begun ? { how: 'ended' } : { how: 'refused', refusal: refused(NOTHING) };
  }

  #stalled(): Outcome {
    const seconds = this.#settings.ingestIdleMs / 1_000;
    return { how: 'interrupted', why: `nothing came for ${seconds} s`, stalled: true };
  }
}

const changedTo = (what: string): string =>
  `The stream changed to ${what}, which many browsers can not play: push it again, and it is transcoded.`;

/** A push of which nothing but its end is left. */
const only = (last: Next): Source => ({ next: () => Promise.resolve(last), nextWithin: () => Promise.resolve(last) });

const refused = (detail: string): Refusal => refuse('unsupported-media', detail).refusal;
