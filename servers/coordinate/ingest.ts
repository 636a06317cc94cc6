// One publisher's life: its first bytes are recognised, its media demuxed here or by ffmpeg, paced, packed into units and published,
// until it ends, vanishes, stalls or is refused. HTTP is publish-api.ts's business.
import { refuse, type Refusal } from '../../protocol/refusal.ts';
import { localPatience } from '../shared/awake.ts';
import { explainFfmpeg } from '../shared/ffmpeg.ts';
import { coordinateNowMs } from './clock.ts';
import { demuxerFor } from './media/demuxer.ts';
import { Packager } from './media/packager.ts';
import type { Demuxer } from './media/sample.ts';
import { MAX_SNIFF_BYTES, sniff, type Door, type FfmpegDoor } from './media/sniff.ts';
import { Normaliser } from './normalise.ts';
import type { OnAir, Publisher } from './on-air.ts';
import { Pacer } from './pacer.ts';
import type { Last, Next, PushBody } from './push-body.ts';

export type Outcome =
  | { how: 'ended' }
  | { how: 'interrupted'; why: string; stalled: boolean }
  | { how: 'refused'; refusal: Refusal };

export interface IngestSettings {
  ingestIdleMs: number;
  unitMs: number;
  /** null: this machine has none. */
  ffmpeg: string | null;
}

/** ffmpeg that was given bytes and wrote nothing for so long will not. */
const FIRST_MEDIA_MS = 15_000;

const NO_FFMPEG =
  'That format needs ffmpeg, which this coordinate does not have: push FLV or MPEG-TS with H.264 and AAC.';
const NOTHING = 'No picture and no sound could be found in it: check what the encoder sends.';

export class Ingest implements Publisher {
  readonly #body: PushBody;
  readonly #settings: IngestSettings;
  readonly #packager: Packager;
  readonly #pacer: Pacer;
  #begun = false;
  /** What is being done with the media, for people. */
  how = 'recognising';

  constructor(onAir: OnAir, body: PushBody, settings: IngestSettings) {
    this.#body = body;
    this.#settings = settings;
    const outlet = onAir.outlet(this);
    this.#packager = new Packager(settings.unitMs, {
      epochBegan: (init, configs) => {
        this.#begun = true;
        outlet.begin(init, configs);
      },
      unit: (unit) => outlet.unit(unit, Math.round(this.#pacer.clock.stampMs(unit.startUs / 1_000, coordinateNowMs()))),
      captured: (ptsUs) => ({ capturedMs: this.#pacer.clock.capturedMs(ptsUs / 1_000), isKnown: false }),
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
    this.#body.cancel('another publisher with the same key has taken its place');
    this.#pacer.close();
  }

  /** Ends it from outside. */
  close(): void {
    this.#body.cancel();
    this.#pacer.close();
  }

  async #take(source: Pick<PushBody, 'next'>): Promise<Outcome> {
    let head: Buffer = Buffer.alloc(0);
    for (;;) {
      const next = await source.next();
      if (next.is === 'gone') return { how: 'interrupted', why: next.why, stalled: false };
      if (next.is === 'stalled') return this.#stalled();
      if (next.is === 'bytes') head = head.length === 0 ? next.bytes : Buffer.concat([head, next.bytes]);
      const found = sniff(head, next.is === 'end' || head.length >= MAX_SNIFF_BYTES);
      if (found.is === 'refused') return { how: 'refused', refusal: found.refusal };
      if (found.is === 'more') continue;
      const rest: Pick<PushBody, 'next'> =
        next.is === 'end' ? { next: () => Promise.resolve<Next>({ is: 'end' }) } : source;
      return found.door.direct ? this.#direct(found.door, head, rest) : this.#throughFfmpeg(found.door, head, rest);
    }
  }

  async #direct(door: Door & { direct: true }, head: Buffer, source: Pick<PushBody, 'next'>): Promise<Outcome> {
    this.how = `${door.format}, as it is`;
    const demuxer = demuxerFor(door.format, this.#pacer);
    let next: Next = { is: 'bytes', bytes: head };
    for (;;) {
      if (next.is === 'bytes') {
        const refusal = demuxer.push(next.bytes);
        if (refusal) return { how: 'refused', refusal };
        await this.#pacer.room();
      } else return await this.#finish(next);
      next = await source.next();
    }
  }

  async #throughFfmpeg(door: FfmpegDoor, head: Buffer, source: Pick<PushBody, 'next'>): Promise<Outcome> {
    if (this.#settings.ffmpeg === null) return { how: 'refused', refusal: refused(NO_FFMPEG) };
    this.how = `${door.format}, ${door.copyVideo ? 'remuxed' : 'transcoded'} by ffmpeg`;
    const child = new Normaliser(this.#settings.ffmpeg, door);
    const read = this.#readOutput(child, demuxerFor('flv', this.#pacer));
    let silent = false;
    const wait = localPatience(FIRST_MEDIA_MS, () => {
      silent = !this.#begun;
      if (silent) child.close();
    });
    try {
      const fed = await Promise.race([this.#feed(child, head, source), child.ended.then(() => null)]);
      if (fed?.is === 'end') child.finish();
      else if (fed) return await this.#finish(fed);
      const refusal = await read;
      const { code, tail } = await child.ended;
      if (refusal) return { how: 'refused', refusal };
      if (silent) return { how: 'refused', refusal: refused(NOTHING) };
      if (code !== 0) return { how: 'refused', refusal: refused(explainFfmpeg(tail)) };
      return await this.#finish({ is: 'end' });
    } finally {
      wait();
      child.close();
      await read;
    }
  }

  /** Everything that is pushed goes to the child; resolves when the push is over or the child takes no more. */
  async #feed(child: Normaliser, head: Buffer, source: Pick<PushBody, 'next'>): Promise<Last | null> {
    let bytes = head;
    for (;;) {
      if (!(await child.write(bytes))) return null;
      const next = await source.next();
      if (next.is !== 'bytes') return next;
      bytes = next.bytes;
    }
  }

  async #readOutput(child: Normaliser, demuxer: Demuxer): Promise<Refusal | null> {
    try {
      for await (const bytes of child.output as AsyncIterable<Buffer>) {
        const refusal = demuxer.push(bytes);
        if (refusal) return refusal;
        await this.#pacer.room();
      }
    } catch {
      return null; // destroyed with the child: `ended` tells why
    }
    return null;
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

const refused = (detail: string): Refusal => refuse('unsupported-media', detail).refusal;
