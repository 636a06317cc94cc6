// One AAC frame of silence, for a configuration: what is played where a source has no sound. All spectra are empty (max_sfb = 0), so
// a frame is a few bytes. Source: ISO/IEC 14496-3, 4.4.2.1 (raw_data_block) and table 1.19 (channel configurations).
import type { AudioConfig } from './sample.ts';

const ELEMENT = { single: 0, pair: 1, lowFrequency: 3, end: 7 } as const;
type Element = 'single' | 'pair' | 'lowFrequency';

/** The elements of a frame, by number of channels. */
const LAYOUTS: Readonly<Record<number, readonly Element[]>> = {
  1: ['single'],
  2: ['pair'],
  3: ['single', 'pair'],
  4: ['single', 'pair', 'single'],
  5: ['single', 'pair', 'pair'],
  6: ['single', 'pair', 'pair', 'lowFrequency'],
  8: ['single', 'pair', 'pair', 'pair', 'lowFrequency'],
};
/** AAC low complexity, and with spectral band replication or parametric stereo above it (which may be missing in a frame). */
const OBJECT_TYPES = new Set([2, 5, 29]);

/** window_sequence, window_shape, max_sfb and predictor_data_present with the reserved bit before them. */
const ICS_INFO_BITS = 1 + 2 + 1 + 6 + 1;
/** Pulse data, temporal noise shaping, gain control: absent. */
const TOOLS_BITS = 3;
const GAIN_BITS = 8;

/** null for a configuration that this does not know. */
export function silentFrame(config: AudioConfig): Uint8Array | null {
  const layout = LAYOUTS[config.channels];
  if (!layout || !OBJECT_TYPES.has((config.asc[0] ?? 0) >> 3)) return null;
  const bits: number[] = [];
  const put = (value: number, count: number): void => {
    for (let i = count - 1; i >= 0; i--) bits.push((value >> i) & 1);
  };
  const used: Record<Element, number> = { single: 0, pair: 0, lowFrequency: 0 };
  for (const element of layout) {
    put(ELEMENT[element], 3);
    put(used[element]++, 4);
    if (element === 'pair') {
      put(1, 1); // common_window
      put(0, ICS_INFO_BITS);
      put(0, 2); // ms_mask_present
      for (let channel = 0; channel < 2; channel++) put(0, GAIN_BITS + TOOLS_BITS);
    } else put(0, GAIN_BITS + ICS_INFO_BITS + TOOLS_BITS);
  }
  put(ELEMENT.end, 3);
  const bytes = new Uint8Array(Math.ceil(bits.length / 8));
  for (const [i, bit] of bits.entries()) bytes[i >> 3] = (bytes[i >> 3] ?? 0) | (bit << (7 - (i & 7)));
  return bytes;
}
