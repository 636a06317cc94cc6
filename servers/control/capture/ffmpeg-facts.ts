// The ffmpeg in use: where it is, which version, which encoder really works here. Probed once for each path.
import { StartError } from '../../shared/exit-codes.ts';
import { requireFfmpeg } from '../../shared/ffmpeg.ts';
import { drawTextProbeArgs, encoderProbeArgs } from './args.ts';
import { FragmentSplitter } from './fragments.ts';
import { PRESETS } from './presets.ts';
import { printedBy } from './program-output.ts';

export interface FfmpegFacts {
  path: string | null;
  version: string | null;
  encoder: string | null;
  problem: string | null;
}

export interface Probed {
  path: string;
  version: string | null;
  /** null: it has no H.264 encoder that works. */
  encoder: string | null;
  drawsText: boolean;
}

/** Best first; those in hardware leave the processor to the viewers. */
const HARDWARE: Readonly<Partial<Record<NodeJS.Platform, readonly string[]>>> = {
  darwin: ['h264_videotoolbox'],
  win32: ['h264_nvenc', 'h264_qsv', 'h264_amf', 'h264_mf'],
  linux: ['h264_nvenc', 'h264_qsv', 'h264_vaapi'],
};
const SOFTWARE = 'libx264';
/** A driver that hangs is no encoder. */
const PROBE_MS = 5_000;
const LEAST_FRAGMENTS = 3;

const NO_ENCODER = 'This ffmpeg has no H.264 encoder that works here: install a full build of ffmpeg.';

export class FfmpegProbe {
  readonly #setting: string | undefined;
  #probed: { path: string; result: Promise<Probed> } | null = null;

  constructor(setting: string | undefined) {
    this.#setting = setting;
  }

  /** @throws StartError(ffmpegMissing) */
  probe(): Promise<Probed> {
    const path = requireFfmpeg(this.#setting);
    if (this.#probed?.path !== path) this.#probed = { path, result: probe(path) };
    return this.#probed.result;
  }

  /** The same for people: what is wrong is a sentence. */
  async facts(): Promise<FfmpegFacts> {
    try {
      const { path, version, encoder } = await this.probe();
      return { path, version, encoder, problem: encoder === null ? NO_ENCODER : null };
    } catch (error) {
      if (!(error instanceof StartError)) throw error;
      return { path: null, version: null, encoder: null, problem: error.message };
    }
  }
}

async function probe(path: string): Promise<Probed> {
  const [about, listed, text] = await Promise.all([
    printedBy(path, ['-hide_banner', '-version'], PROBE_MS),
    printedBy(path, ['-hide_banner', '-encoders'], PROBE_MS),
    printedBy(path, drawTextProbeArgs(), PROBE_MS),
  ]);
  const known = encodersIn(listed.stdout.toString('utf8'));
  const candidates = [...(HARDWARE[process.platform] ?? []), SOFTWARE].filter((name) => known.includes(name));
  const works = await Promise.all(candidates.map((name) => encodes(path, name)));
  return {
    path,
    version: versionIn(about.stdout.toString('utf8')),
    encoder: candidates.find((_, i) => works[i]) ?? null,
    drawsText: text.code === 0,
  };
}

/** Tried by encoding, not by name: a build knows encoders for hardware that is not there. */
async function encodes(path: string, encoder: string): Promise<boolean> {
  const { code, stdout } = await printedBy(path, encoderProbeArgs(encoder, PRESETS['360p']), PROBE_MS);
  let fragments = 0;
  let begins = false;
  const splitter = new FragmentSplitter({
    init: () => {},
    fragment: ({ key }) => {
      if (fragments++ === 0) begins = key;
    },
  });
  return code === 0 && splitter.push(stdout) === null && begins && fragments >= LEAST_FRAGMENTS;
}

/** `ffmpeg version 5.1.9-0+deb12u1 Copyright ...` */
export const versionIn = (text: string): string | null =>
  /^ffmpeg version (\S+)/.exec(text)?.[1]?.slice(0, 100) ?? null;

/** ` V....D libx264              libx264 H.264 / AVC ...` */
export const encodersIn = (text: string): string[] =>
  [...text.matchAll(/^ V[A-Z.]{5} (\S+)/gm)].map((match) => match[1] ?? '');
