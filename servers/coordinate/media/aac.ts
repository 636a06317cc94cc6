// What AAC's own headers say: the AudioSpecificConfig, also as an ADTS header stands for it, and
// whether browsers play it. Pure. Source: ISO/IEC 14496-3, 1.6.2.1 and 1.A.2.
import { Bits } from './bits.ts';
import type { AudioConfig } from './sample.ts';

const SAMPLE_RATES = [96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350];
const CHANNELS = [0, 1, 2, 3, 4, 5, 6, 8];

/**
 * AAC's object types that every browser plays: LC, and LC with SBR or parametric stereo (HE-AAC).
 */
const PLAYABLE_AAC = new Set([2, 5, 29]);
const AAC_NAMES: Record<number, string> = {
  1: 'AAC Main',
  3: 'AAC SSR',
  4: 'AAC LTP',
  23: 'AAC-LD',
  39: 'AAC-ELD',
  42: 'xHE-AAC',
};

/** An audio configuration from an AudioSpecificConfig, or null when it is not one. */
export function audioConfig(asc: Uint8Array): AudioConfig | null {
  return readAsc(asc)?.config ?? null;
}

/** Why many browsers can not play that AAC, as its name; null: they can. */
export function unplayableAac(asc: Uint8Array): string | null {
  const read = readAsc(asc);
  if (!read) return 'AAC of an unknown kind';
  const { objectType, shortFrames, namedChannels } = read;
  if (!PLAYABLE_AAC.has(objectType)) return AAC_NAMES[objectType] ?? `AAC object type ${objectType}`;
  if (shortFrames) return 'AAC with frames of 960 samples';
  return namedChannels ? null : 'AAC with channels of its own order';
}

function readAsc(
  asc: Uint8Array,
): { config: AudioConfig; objectType: number; shortFrames: boolean; namedChannels: boolean } | null {
  if (asc.length < 2 || asc.length > 64) return null;
  const bits = new Bits(asc);
  const type = (): number => {
    const short = bits.read(5);
    return short === 31 ? 32 + bits.read(6) : short;
  };
  const rate = (): number | undefined => {
    const index = bits.read(4);
    return index === 15 ? bits.read(24) : SAMPLE_RATES[index];
  };
  const objectType = type();
  const sampleRate = rate();
  const channels = CHANNELS[bits.read(4)];
  if (objectType === 5 || objectType === 29) {
    rate(); // of the extension
    type();
  }
  if (bits.overrun || !sampleRate || sampleRate > 192_000 || channels === undefined) return null;
  const shortFrames = bits.read(1) === 1;
  const config: AudioConfig = { kind: 'audio', asc, sampleRate, channels: channels || 2 };
  return { config, objectType, shortFrames, namedChannels: channels > 0 };
}

/** The AudioSpecificConfig that an ADTS header stands for. */
export function ascOfAdts(header: Uint8Array): Uint8Array | null {
  const objectType = ((header[2] ?? 0) >> 6) + 1;
  const index = ((header[2] ?? 0) >> 2) & 15;
  const channels = (((header[2] ?? 0) & 1) << 2) | ((header[3] ?? 0) >> 6);
  if (index >= SAMPLE_RATES.length) return null;
  return new Uint8Array([(objectType << 3) | (index >> 1), ((index & 1) << 7) | (channels << 3)]);
}
