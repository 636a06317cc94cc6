// Recovery points in H.264's supplemental information: read, and written. Pure. Source: ITU-T H.264
// 7.3.2.3.1 and D.1.8.
import { NAL } from './avc.ts';
import { Bits, rbsp } from './bits.ts';

const SEI_RECOVERY_POINT = 6;
/** recovery_frame_cnt 0, an exact match. */
const RECOVERED = Uint8Array.of(NAL.sei, SEI_RECOVERY_POINT, 1, 0xc4, 0x80);

const typeOf = (nal: Uint8Array): number => (nal[0] ?? 0) & 31;

interface SeiMessage {
  type: number;
  /** Of the message, its head included. */
  from: number;
  body: number;
  to: number;
}

function* messagesOf(sei: Uint8Array): Iterable<SeiMessage> {
  let at = 0;
  const number = (): number => {
    let value = 0;
    while (sei[at] === 255) {
      value += 255;
      at++;
    }
    return value + (sei[at++] ?? 0);
  };
  while (at + 2 < sei.length) {
    const from = at;
    const type = number();
    const size = number();
    if (at + size > sei.length) return;
    yield { type, from, body: at, to: at + size };
    at += size;
  }
}

/** recovery_frame_cnt of the recovery point in an SEI unit; null: it has none. */
export function recoveryCount(nal: Uint8Array): number | null {
  const sei = rbsp(nal.subarray(1));
  for (const { type, body, to } of messagesOf(sei))
    if (type === SEI_RECOVERY_POINT) return new Bits(sei.subarray(body, to)).ue();
  return null;
}

/**
 * The same picture with a recovery point that says 0 before its first slice, instead of what it
 * said.
 */
export function marked(nals: readonly Uint8Array[]): Uint8Array[] {
  const kept = nals.filter((nal) => typeOf(nal) !== NAL.sei || recoveryCount(nal) === null);
  const at = kept.findIndex((nal) => typeOf(nal) === NAL.slice);
  return [...kept.slice(0, at), RECOVERED, ...kept.slice(at)];
}
