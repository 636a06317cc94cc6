// What a viewer's upload was, signed by a tracker of this system: shown at the next hello it is trusted at once instead of after a
// while. It proves nothing but that a tracker measured it; the first full second of a changed uplink corrects it.
import { createHmac, timingSafeEqual } from 'node:crypto';
import * as v from 'valibot';

/** A line may be another one by tomorrow. */
const VALID_MS = 24 * 60 * 60_000;
const History = v.object({
  bitsPerSecond: v.nullable(v.pipe(v.number(), v.finite(), v.minValue(0))),
  expiresMs: v.number(),
});

export class UploadHistory {
  readonly #key: Buffer;

  /** @param key 32 secret bytes that all trackers of the system share */
  constructor(key: Buffer) {
    this.#key = key;
  }

  /** @param bitsPerSecond null: it has carried a copy for a while, and nothing ever had to wait */
  issue(bitsPerSecond: number | null, nowMs: number): string {
    const text = Buffer.from(JSON.stringify({ bitsPerSecond, expiresMs: nowMs + VALID_MS })).toString('base64url');
    return `${text}.${this.#sign(text)}`;
  }

  /** @returns what it says, or null for anything that no tracker of this system has signed, or long ago */
  read(token: string | undefined, nowMs: number): { bitsPerSecond: number | null } | null {
    const [text = '', signature = ''] = token?.split('.') ?? [];
    const [given, right] = [Buffer.from(signature), Buffer.from(this.#sign(text))];
    if (given.length !== right.length || !timingSafeEqual(given, right)) return null;
    const history = v.safeParse(History, JSON.parse(Buffer.from(text, 'base64url').toString()));
    if (!history.success || history.output.expiresMs < nowMs) return null;
    return { bitsPerSecond: history.output.bitsPerSecond };
  }

  #sign(text: string): string {
    return createHmac('sha256', this.#key).update(`upload history|${text}`).digest('base64url');
  }
}

/** A viewer that has served for so long gets it in writing, and again from time to time. */
const PROVEN_MS = 60_000;
const EVERY_MS = 10 * 60_000;

export const isDue = (viewer: { sinceMs: number; confirmedBytes: number; historyMs: number }, nowMs: number): boolean =>
  nowMs - viewer.sinceMs >= PROVEN_MS && viewer.confirmedBytes > 0 && nowMs - viewer.historyMs >= EVERY_MS;
