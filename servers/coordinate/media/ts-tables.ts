// The two tables of an MPEG transport stream that say what is in it. Source: ISO/IEC 13818-1, 2.4.4.

export const TS_PACKET_BYTES = 188;
export const STREAM_TYPE = { h264: 0x1b, aacAdts: 0x0f } as const;
const MAX_PID = 0x1fff;

export interface TsProgram {
  /** Elementary streams, first of each kind. */
  h264Pid: number | null;
  aacPid: number | null;
  /** Picture or sound of another kind is there. */
  other: boolean;
}

/** Stream types that carry neither picture nor sound: sections, private data, metadata, SCTE-35. */
const DATA_TYPES = new Set([0x05, 0x0b, 0x0c, 0x0d, 0x14, 0x15, 0x86]);

/** Where a packet's payload begins, or null when it has none. */
export function tsPayload(packet: Uint8Array): { pid: number; starts: boolean; at: number } | null {
  if (packet[0] !== 0x47 || ((packet[1] ?? 0) & 0x80) !== 0) return null;
  const pid = (((packet[1] ?? 0) << 8) | (packet[2] ?? 0)) & MAX_PID;
  const control = ((packet[3] ?? 0) >> 4) & 3;
  if ((control & 1) === 0) return null;
  const at = control === 3 ? 5 + (packet[4] ?? 0) : 4;
  return at < TS_PACKET_BYTES ? { pid, starts: ((packet[1] ?? 0) & 0x40) !== 0, at } : null;
}

/** A section that begins in this payload, from its table id on. Tables of live encoders fit one packet. */
function section(packet: Uint8Array, at: number): Uint8Array | null {
  const begin = at + 1 + (packet[at] ?? 0);
  const length = (((packet[begin + 1] ?? 0) & 15) << 8) | (packet[begin + 2] ?? 0);
  return begin + 3 + length <= TS_PACKET_BYTES && length >= 9 ? packet.subarray(begin, begin + 3 + length) : null;
}

/** The PID of the first program's map, from a packet of PID 0. */
export function mapPidOf(packet: Uint8Array, at: number): number | null {
  const table = section(packet, at);
  if (!table || table[0] !== 0) return null;
  for (let i = 8; i + 4 <= table.length - 4; i += 4) {
    const program = ((table[i] ?? 0) << 8) | (table[i + 1] ?? 0);
    if (program !== 0) return (((table[i + 2] ?? 0) << 8) | (table[i + 3] ?? 0)) & MAX_PID;
  }
  return null;
}

/** What the program map in this packet lists. */
export function programOf(packet: Uint8Array, at: number): TsProgram | null {
  const table = section(packet, at);
  if (!table || table[0] !== 2) return null;
  const found: TsProgram = { h264Pid: null, aacPid: null, other: false };
  let i = 12 + ((((table[10] ?? 0) & 15) << 8) | (table[11] ?? 0));
  while (i + 5 <= table.length - 4) {
    const type = table[i] ?? 0;
    const pid = (((table[i + 1] ?? 0) << 8) | (table[i + 2] ?? 0)) & MAX_PID;
    if (type === STREAM_TYPE.h264) found.h264Pid ??= pid;
    else if (type === STREAM_TYPE.aacAdts) found.aacPid ??= pid;
    else if (!DATA_TYPES.has(type)) found.other = true;
    i += 5 + ((((table[i + 3] ?? 0) & 15) << 8) | (table[i + 4] ?? 0));
  }
  return found;
}

/** What the first program of these packets carries, or null when its tables have not come. */
export function tsCodecs(bytes: Uint8Array): { h264: boolean; aac: boolean; other: boolean } | null {
  let mapPid: number | null = null;
  for (let at = 0; at + TS_PACKET_BYTES <= bytes.length; at += TS_PACKET_BYTES) {
    const packet = bytes.subarray(at, at + TS_PACKET_BYTES);
    const payload = tsPayload(packet);
    if (!payload?.starts) continue;
    if (payload.pid === 0) mapPid ??= mapPidOf(packet, payload.at);
    else if (payload.pid === mapPid) {
      const program = programOf(packet, payload.at);
      if (program) return { h264: program.h264Pid !== null, aac: program.aacPid !== null, other: program.other };
    }
  }
  return null;
}
