// Who says what was given, and who says what was had: per edge the sender's word against the receiver's, beside the forwards' own counters
// [S15]. Pure; nothing here moves anybody.

/** Words are compared over this long; those of both sides come every second, and not at the same time. */
const WINDOW_MS = 10_000;
/** What may be on its way, in queues, or had from somebody else first. */
const TOLERANCE = 0.25;
const SLACK_BYTES = 128 * 1024;
/** A receipt says at most this much more than the stream could bring in its time. */
const PLAUSIBLE_COPIES = 2;
const MAX_EDGES = 50_000;
const MAX_MISMATCHES = 20;

export interface Mismatch {
  from: string;
  to: string;
  gave: number;
  got: number;
}

interface Edge {
  from: string;
  to: string;
  gave: number;
  got: number;
  sinceMs: number;
}

export interface LedgerRow {
  forwardBytes: number;
  peerGivenBytes: number;
  peerReceivedBytes: number;
  /** Share of all delivered media that forwards did not send, 0 to 1; null before any was delivered. */
  offload: number | null;
  /** Edges of the last whole window whose two sides contradict each other. */
  mismatches: Mismatch[];
}

export class Ledger {
  readonly #edges = new Map<string, Edge>();
  readonly #mismatches = new Map<string, Mismatch>();
  /** By sender: its word against its receivers', of the last whole window of each edge. */
  readonly #gaps = new Map<string, Map<string, { gave: number; got: number }>>();
  /** By forward: its newest count, and what had been counted under that id before it began anew. */
  readonly #forwards = new Map<string, { counted: number; before: number }>();
  #given = 0;
  #received = 0;

  /** The sender's word. */
  gave(from: string, to: string, bytes: number, nowMs: number): void {
    this.#given += bytes;
    this.#edge(from, to, nowMs).gave += bytes;
  }

  /**
   * The receiver's word.
   * @param forMs since its last one
   * @param bitsPerSecond of the stream; null while unknown
   * @returns the bytes that are believed
   */
  got(from: string, to: string, bytes: number, forMs: number, bitsPerSecond: number | null, nowMs: number): number {
    const most = ((bitsPerSecond ?? 1e8) / 8_000) * PLAUSIBLE_COPIES * Math.min(Math.max(forMs, 1_000), WINDOW_MS);
    const believed = Math.min(bytes, Math.round(most) + SLACK_BYTES);
    this.#received += believed;
    this.#edge(from, to, nowMs).got += bytes;
    return believed;
  }

  /** A forward's own counter of this stream, which begins at 0 when the forward does. */
  forward(id: string, bytes: number): void {
    const known = this.#forwards.get(id) ?? { counted: 0, before: 0 };
    const before = bytes < known.counted ? known.before + known.counted : known.before;
    this.#forwards.set(id, { counted: bytes, before });
  }

  /** Once a second: edges whose window is over are compared. */
  tick(nowMs: number): void {
    for (const [key, edge] of this.#edges) {
      if (nowMs - edge.sinceMs < WINDOW_MS) continue;
      this.#edges.delete(key);
      this.#compare(key, edge);
    }
  }

  forget(id: string): void {
    this.#gaps.delete(id);
    for (const [key, edge] of this.#edges) if (edge.from === id || edge.to === id) this.#edges.delete(key);
    for (const [key, { from, to }] of this.#mismatches) if (from === id || to === id) this.#mismatches.delete(key);
  }

  /** By how much a sender's account differs from its receivers', 0 to 1; null before a window is over. */
  gapOf(from: string): number | null {
    const edges = [...(this.#gaps.get(from)?.values() ?? [])];
    const gave = edges.reduce((sum, edge) => sum + edge.gave, 0);
    const got = edges.reduce((sum, edge) => sum + edge.got, 0);
    const most = Math.max(gave, got);
    return most === 0 ? null : Math.round((Math.abs(gave - got) / most) * 1_000) / 1_000;
  }

  row(): LedgerRow {
    let forwardBytes = 0;
    for (const { counted, before } of this.#forwards.values()) forwardBytes += counted + before;
    const all = forwardBytes + this.#received;
    return {
      forwardBytes,
      peerGivenBytes: this.#given,
      peerReceivedBytes: this.#received,
      offload: all === 0 ? null : Math.round((this.#received / all) * 10_000) / 10_000,
      mismatches: [...this.#mismatches.values()],
    };
  }

  #edge(from: string, to: string, nowMs: number): Edge {
    const key = `${from}>${to}`;
    const known = this.#edges.get(key);
    if (known) return known;
    if (this.#edges.size >= MAX_EDGES) this.#edges.clear();
    const edge: Edge = { from, to, gave: 0, got: 0, sinceMs: nowMs };
    this.#edges.set(key, edge);
    return edge;
  }

  #compare(key: string, { from, to, gave, got }: Edge): void {
    const ofSender = this.#gaps.get(from) ?? new Map<string, { gave: number; got: number }>();
    ofSender.delete(to);
    ofSender.set(to, { gave, got });
    for (const oldest of ofSender.keys()) if (ofSender.size > 16) ofSender.delete(oldest);
    this.#gaps.set(from, ofSender);
    this.#mismatches.delete(key);
    if (Math.abs(gave - got) <= Math.max(gave, got) * TOLERANCE + SLACK_BYTES) return;
    this.#mismatches.set(key, { from, to, gave, got });
    for (const oldest of this.#mismatches.keys())
      if (this.#mismatches.size > MAX_MISMATCHES) this.#mismatches.delete(oldest);
  }
}
