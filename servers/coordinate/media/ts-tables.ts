// The tables of an MPEG transport stream that say what is in it: programs, and the kind of each
// track by its stream type and descriptors. Sources: ISO/IEC 13818-1, 2.4.4 and 2.6; ETSI EN 300
// 468, annex D; ATSC A/52, annex A.
import type { FoundTrack } from './found-track.ts';
import type { TrackKind } from './sample.ts';
import { TS_PACKET_BYTES } from './ts-packets.ts';

const MAX_PID = 0x1fff;
/** A program map has 1,021 bytes behind its length. */
const MAX_SECTION_BYTES = 1_024;
const MAX_PROGRAMS = 64;

export interface TsTrack extends FoundTrack {
  pid: number;
}

export interface TsProgram {
  number: number;
  /** Pictures and sound, in the map's order; all else is left out. */
  tracks: readonly TsTrack[];
}

type Kind = readonly [kind: TrackKind, what: string, interlaced?: boolean];

const STREAM_TYPES: Record<number, Kind> = {
  0x01: ['video', 'MPEG-1 video'],
  0x02: ['video', 'MPEG-2 video', true],
  0x03: ['audio', 'MPEG audio'],
  0x04: ['audio', 'MPEG audio'],
  0x0f: ['audio', 'AAC'],
  0x10: ['video', 'MPEG-4 part 2', true],
  0x11: ['audio', 'AAC in LATM'],
  0x1b: ['video', 'H.264', true],
  0x24: ['video', 'HEVC'],
  0x33: ['video', 'VVC'],
  0x42: ['video', 'AVS', true],
  0x80: ['audio', 'LPCM'],
  0x81: ['audio', 'AC-3'],
  0x82: ['audio', 'DTS'],
  0x83: ['audio', 'TrueHD'],
  0x84: ['audio', 'E-AC-3'],
  0x85: ['audio', 'DTS'],
  0x87: ['audio', 'E-AC-3'],
  0xd1: ['video', 'Dirac', true],
  0xea: ['video', 'VC-1', true],
};
/** Private data (0x06) is what its descriptors say. */
const PRIVATE = 0x06;
const DESCRIPTORS: Record<number, Kind> = {
  0x6a: ['audio', 'AC-3'],
  0x7a: ['audio', 'E-AC-3'],
  0x7b: ['audio', 'DTS'],
  0x7c: ['audio', 'AAC in LATM'],
};
const REGISTRATION = 0x05;
const REGISTERED: Record<string, Kind> = {
  Opus: ['audio', 'Opus'],
  'AC-3': ['audio', 'AC-3'],
  EAC3: ['audio', 'E-AC-3'],
  BSSD: ['audio', 'LPCM'],
  DTS1: ['audio', 'DTS'],
  DTS2: ['audio', 'DTS'],
  DTS3: ['audio', 'DTS'],
  HEVC: ['video', 'HEVC'],
  AV01: ['video', 'AV1'],
  VP09: ['video', 'VP9'],
  drac: ['video', 'Dirac', true],
  'VC-1': ['video', 'VC-1', true],
};

/** Where a packet's payload begins, or null when it has none. */
export function tsPayload(packet: Uint8Array): { pid: number; starts: boolean; at: number } | null {
  if (packet[0] !== 0x47 || ((packet[1] ?? 0) & 0x80) !== 0) return null;
  const pid = (((packet[1] ?? 0) << 8) | (packet[2] ?? 0)) & MAX_PID;
  const control = ((packet[3] ?? 0) >> 4) & 3;
  if ((control & 1) === 0) return null;
  const at = control === 3 ? 5 + (packet[4] ?? 0) : 4;
  return at < TS_PACKET_BYTES ? { pid, starts: ((packet[1] ?? 0) & 0x40) !== 0, at } : null;
}

/** One PID's section, gathered over packets. */
interface Gathering {
  /** From the table id on. */
  bytes: Buffer;
  packets: Uint8Array[];
}

export class TsTables {
  /** PID of each program's map, in the order of the association table. */
  #maps = new Map<number, number>();
  readonly #programs = new Map<number, TsProgram>();
  readonly #gathering = new Map<number, Gathering>();
  /** The packets of the newest whole section of a PID. */
  readonly #whole = new Map<number, Uint8Array[]>();

  /** @returns true when the packet completed a table */
  take(packet: Uint8Array, { pid, starts, at }: { pid: number; starts: boolean; at: number }): boolean {
    if (pid !== 0 && ![...this.#maps.values()].includes(pid)) return false;
    if (starts) {
      const begin = at + 1 + (packet[at] ?? 0);
      this.#gathering.set(pid, { bytes: Buffer.from(packet.subarray(begin)), packets: [packet] });
    } else {
      const before = this.#gathering.get(pid);
      if (!before) return false;
      before.bytes = Buffer.concat([before.bytes, packet.subarray(at)]);
      before.packets.push(packet);
    }
    const gathered = this.#gathering.get(pid);
    if (!gathered || gathered.bytes.length < 3) return false;
    const length = 3 + (gathered.bytes.readUInt16BE(1) & 0xfff);
    if (length <= MAX_SECTION_BYTES && gathered.bytes.length < length) return false;
    this.#gathering.delete(pid);
    const table = gathered.bytes.subarray(0, length);
    if (length > MAX_SECTION_BYTES || !this.#read(pid, table)) return false;
    this.#whole.set(pid, gathered.packets);
    return true;
  }

  /** Every program that is listed has told what it has. */
  get complete(): boolean {
    return this.#maps.size > 0 && [...this.#maps.keys()].every((number) => this.#programs.has(number));
  }

  program(number: number): TsProgram | null {
    return this.#programs.get(number) ?? null;
  }

  /**
   * The first program with something that is taken as it is, or else the first with pictures or
   * sound.
   */
  best(): TsProgram | null {
    const known = [...this.#maps.keys()].flatMap((number) => this.#programs.get(number) ?? []);
    return known.find((p) => p.tracks.some((t) => t.taken)) ?? known.find((p) => p.tracks.length > 0) ?? null;
  }

  /** The packets of the tables that lead to a program. */
  packetsOf(number: number): Uint8Array[] {
    return [...(this.#whole.get(0) ?? []), ...(this.#whole.get(this.#maps.get(number) ?? -1) ?? [])];
  }

  #read(pid: number, table: Buffer): boolean {
    if (pid === 0) return this.#readAssociation(table);
    const program = programIn(table);
    if (!program || this.#maps.get(program.number) !== pid) return false;
    this.#programs.set(program.number, program);
    return true;
  }

  #readAssociation(table: Buffer): boolean {
    if (table[0] !== 0 || table.length < 12) return false;
    const maps = new Map<number, number>();
    for (let i = 8; i + 4 <= table.length - 4 && maps.size < MAX_PROGRAMS; i += 4) {
      const number = table.readUInt16BE(i);
      if (number !== 0) maps.set(number, table.readUInt16BE(i + 2) & MAX_PID);
    }
    if (maps.size === 0) return false;
    this.#maps = maps;
    for (const number of this.#programs.keys()) if (!maps.has(number)) this.#programs.delete(number);
    return true;
  }
}

/** What a program map lists. */
function programIn(table: Buffer): TsProgram | null {
  if (table[0] !== 2 || table.length < 16) return null;
  const tracks: TsTrack[] = [];
  let at = 12 + (table.readUInt16BE(10) & 0xfff);
  while (at + 5 <= table.length - 4) {
    const type = table[at] ?? 0;
    const pid = table.readUInt16BE(at + 1) & MAX_PID;
    const next = at + 5 + (table.readUInt16BE(at + 3) & 0xfff);
    const kind = STREAM_TYPES[type] ?? (type === PRIVATE ? described(table.subarray(at + 5, next)) : undefined);
    if (kind) {
      const [what, taken] = [kind[1], type === 0x1b || type === 0x0f];
      tracks.push({ pid, kind: kind[0], what, taken, interlaced: kind[2] === true });
    }
    at = next;
  }
  return { number: table.readUInt16BE(3), tracks };
}

function described(descriptors: Buffer): Kind | undefined {
  let found: Kind | undefined;
  let at = 0;
  while (at + 2 <= descriptors.length) {
    const [tag, length] = [descriptors[at] ?? 0, descriptors[at + 1] ?? 0];
    const name = tag === REGISTRATION ? descriptors.toString('latin1', at + 2, at + 6) : '';
    found ??= DESCRIPTORS[tag] ?? (Object.hasOwn(REGISTERED, name) ? REGISTERED[name] : undefined);
    at += 2 + length;
  }
  return found;
}
