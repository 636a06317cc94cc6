// Counts what leaves on the viewers' sockets, by kind, frame headers included.

export type EgressKind = 'media' | 'bootstrap' | 'repair' | 'control';

/** A WebSocket frame from a server: payload and its header (RFC 6455, 5.2). */
export const framedBytes = (payload: number): number => payload + (payload < 126 ? 2 : payload < 65_536 ? 4 : 10);

/** As many as one heartbeat names. */
const MAX_STREAMS = 1_000;
const RATE_WINDOW_MS = 2_000;

export class Egress {
  readonly bytes: Record<EgressKind, number> = { media: 0, bootstrap: 0, repair: 0, control: 0 };
  readonly #streams = new Map<string, number>();
  #rateFrom = { bytes: 0, atMs: 0 };
  bitsPerSecond = 0;

  /** @param stream whose media it is, if any */
  count(kind: EgressKind, payloadBytes: number, stream?: string): void {
    this.bytes[kind] += framedBytes(payloadBytes);
    if (stream === undefined || kind === 'control') return;
    this.#streams.set(stream, (this.#streams.get(stream) ?? 0) + framedBytes(payloadBytes));
    for (const oldest of this.#streams.keys()) if (this.#streams.size > MAX_STREAMS) this.#streams.delete(oldest);
  }

  /** Media bytes per stream, for the tracker's ledger. */
  streams(): { name: string; bytes: number }[] {
    return Array.from(this.#streams, ([name, bytes]) => ({ name, bytes }));
  }

  get total(): number {
    return this.bytes.media + this.bytes.bootstrap + this.bytes.repair + this.bytes.control;
  }

  /** Called about once a second. */
  measure(nowMs: number): void {
    const elapsedMs = nowMs - this.#rateFrom.atMs;
    if (elapsedMs < RATE_WINDOW_MS / 2) return;
    if (this.#rateFrom.atMs > 0)
      this.bitsPerSecond = Math.round(((this.total - this.#rateFrom.bytes) * 8_000) / elapsedMs);
    this.#rateFrom = { bytes: this.total, atMs: nowMs };
  }
}
