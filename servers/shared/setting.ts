// What a row of the settings table is.
import type { Kind } from './setting-kinds.ts';

export const PROGRAMS = ['coordinate', 'tracker', 'forward', 'peer', 'up'] as const;
export type Program = (typeof PROGRAMS)[number];

export interface Setting<P extends Program = Program, K extends string = string, T = unknown, D = unknown> {
  programs: readonly P[];
  /** Name in the program's settings; a dot nests (`region.mmdb`). */
  key: K;
  flag: string;
  kind: Kind<T>;
  /** undefined: absent unless given. */
  default: D;
  /** Without a value of its own it takes that of this flag. */
  follows?: string;
  unit?: string;
  /** One sentence. */
  help: string;
}

export const setting = <const P extends Program, const K extends string, T, D extends T | undefined>(
  entry: Setting<P, K, T, D>,
): Setting<P, K, T, D> => entry;
