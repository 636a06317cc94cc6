// Numbers as a person reads them. Always the same width class: what counts up must not make the page jump.
import { OFFLOAD_WINDOW_MS } from '../protocol/history.ts';

/** @returns such as "2.48 Mbit/s" */
export function bitRate(bitsPerSecond: number): string {
  if (bitsPerSecond < 999_500) return `${Math.round(bitsPerSecond / 1_000)} kbit/s`;
  return `${(bitsPerSecond / 1e6).toFixed(bitsPerSecond < 99.5e6 ? 2 : 0)} Mbit/s`;
}

/** @returns such as "12.4 MB" */
export function byteSize(bytes: number): string {
  if (bytes < 999_500) return `${Math.round(bytes / 1_000)} kB`;
  if (bytes < 999.5e6) return `${(bytes / 1e6).toFixed(1)} MB`;
  return `${(bytes / 1e9).toFixed(2)} GB`;
}

/** @returns such as "320 ms" or "1.4 s" */
export function delay(ms: number): string {
  return ms < 999.5 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`;
}

/** @returns such as "4 s", "12 min 05 s", "3 h 07 min" */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  const two = (value: number): string => String(value).padStart(2, '0');
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ${two(seconds % 60)} s`;
  return `${Math.floor(seconds / 3_600)} h ${two(Math.floor((seconds % 3_600) / 60))} min`;
}

export const percent = (share: number): string => `${(100 * share).toFixed(share >= 0.9995 ? 0 : 1)} %`;

/** @returns such as "20:14:03" */
export function clockTime(atMs: number): string {
  return new Date(atMs).toLocaleTimeString('en-GB', { hour12: false });
}

/** The time, with its day where that is another one than today's. */
export function momentOf(atMs: number, nowMs = Date.now()): string {
  const day = (ms: number): string =>
    new Date(ms).toLocaleDateString('en-GB', { day: 'numeric', month: 'short', year: 'numeric' });
  return day(atMs) === day(nowMs) ? clockTime(atMs) : `${day(atMs)}, ${clockTime(atMs)}`;
}

export const count = (value: number, one: string, many = `${one}s`): string =>
  `${value.toLocaleString('en')} ${value === 1 ? one : many}`;

/** Over which time every offload of a sample is taken, for whoever says one: "last 10 s". */
export const OFFLOAD_SPAN = `last ${duration(OFFLOAD_WINDOW_MS)}`;
