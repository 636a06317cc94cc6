// Who of a stream's publishers is shown: one has the name, one may stand by. A publisher that has fallen silent is replaced by the one
// standing by, or by whoever comes with the same key; media of the other is kept warm, from its last keyframe on.
import type { MediaUnit } from './media/packager.ts';
import type { TrackConfig } from './media/sample.ts';
import type { Stream } from './stream.ts';

export type Role = 'primary' | 'backup';

/** What is asked of a publisher. */
export interface Publisher {
  /** Silent for longer than this, and for longer than is usual for it. */
  isSilent(ms: number): boolean;
  /** Ends it: another has its place. */
  replace(): void;
}

/** Where one publisher's media goes. */
export interface Outlet {
  begin(init: Uint8Array, tracks: readonly TrackConfig[]): void;
  unit(unit: MediaUnit, sourceMs: number): void;
}

/** A backup takes over after this much silence, within half a second with the round of looking. */
const BACKUP_AFTER_MS = 350;
/** The first one is given back its place when it has sent for so long. */
const GIVE_BACK_MS = 1_000;
/** A new push with the same key takes the place of one that has been silent for so long: its connection may be dead. */
const REPLACE_AFTER_MS = 1_000;
/** Viewers are told of an interruption after this much silence. */
const INTERRUPTED_AFTER_MS = 3_000;
const LOOK_MS = 100;
/** A group of pictures larger than this is not kept warm: its publisher goes on air at its next keyframe. */
const MAX_WARM_BYTES = 16 * 1024 * 1024;

interface Entry {
  publisher: Publisher;
  role: Role;
  began: { init: Uint8Array; tracks: readonly TrackConfig[] } | null;
  /** Since the last keyframe. */
  group: { unit: MediaUnit; sourceMs: number }[];
  groupBytes: number;
  flowsSinceMs: number | null;
}

export class OnAir {
  readonly #stream: Stream;
  readonly #nowMs: () => number;
  readonly #entries = new Map<Publisher, Entry>();
  #current: Entry | null = null;
  #timer: NodeJS.Timeout | null = null;

  constructor(stream: Stream, nowMs: () => number) {
    this.#stream = stream;
    this.#nowMs = nowMs;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** @returns false when another has that place and keeps it [I4] */
  enter(publisher: Publisher, role: Role, takesOver: boolean): boolean {
    const before = [...this.#entries.values()].find((entry) => entry.role === role);
    if (before && !takesOver && !before.publisher.isSilent(REPLACE_AFTER_MS)) return false;
    if (!before && !this.#stream.claim(this) && this.#entries.size === 0) return false;
    const entry: Entry = { publisher, role, began: null, group: [], groupBytes: 0, flowsSinceMs: null };
    this.#entries.set(publisher, entry);
    this.#timer ??= setInterval(() => this.#look(), LOOK_MS);
    if (before) {
      // Its picture stays until the new one has one.
      this.#entries.delete(before.publisher);
      before.publisher.replace();
    }
    return true;
  }

  /** Where a publisher's media goes; of one that has been replaced, nowhere. */
  outlet(publisher: Publisher): Outlet {
    return {
      begin: (init, tracks) => {
        const entry = this.#entries.get(publisher);
        if (!entry) return;
        Object.assign(entry, { began: { init, tracks }, group: [], groupBytes: 0 });
        if (entry === this.#current) this.#stream.begin(init, tracks);
      },
      unit: (unit, sourceMs) => {
        const entry = this.#entries.get(publisher);
        if (entry) this.#unit(entry, unit, sourceMs);
      },
    };
  }

  /** A push is over. Another one goes on in its place, where there is one. */
  leave(publisher: Publisher, state: 'ended' | 'interrupted', why: string): void {
    const entry = this.#entries.get(publisher);
    if (!entry) return;
    this.#entries.delete(publisher);
    if (this.#entries.size > 0) return this.#look();
    this.#current = null;
    if (this.#timer) clearInterval(this.#timer);
    this.#timer = null;
    this.#stream.release(this, state, why);
  }

  #unit(entry: Entry, unit: MediaUnit, sourceMs: number): void {
    if (unit.key) [entry.group, entry.groupBytes] = [[], 0];
    if (unit.key || entry.group.length > 0) {
      entry.group.push({ unit, sourceMs });
      entry.groupBytes += unit.bytes.length;
    }
    if (entry.groupBytes > MAX_WARM_BYTES) [entry.group, entry.groupBytes] = [[], 0];
    if (entry === this.#current) {
      this.#stream.resume();
      this.#stream.publish(unit, sourceMs);
    } else this.#look();
  }

  #look(): void {
    const now = this.#nowMs();
    for (const entry of this.#entries.values()) {
      if (entry.publisher.isSilent(BACKUP_AFTER_MS)) entry.flowsSinceMs = null;
      else entry.flowsSinceMs ??= now;
    }
    const next = this.#choose(now);
    if (next && next !== this.#current) this.#switchTo(next);
    const current = this.#current;
    if (current?.publisher.isSilent(INTERRUPTED_AFTER_MS)) this.#stream.pause('nothing comes from the publisher');
  }

  #choose(now: number): Entry | undefined {
    const ready = [...this.#entries.values()].filter((entry) => entry.began !== null && entry.group.length > 0);
    const primary = ready.find((entry) => entry.role === 'primary');
    const backup = ready.find((entry) => entry.role === 'backup');
    const current = this.#current !== null && this.#entries.has(this.#current.publisher) ? this.#current : null;
    if (current === null) return primary ?? backup;
    if (current.role === 'primary') return current.flowsSinceMs === null && backup?.flowsSinceMs ? backup : current;
    const isBack = primary?.flowsSinceMs && now - primary.flowsSinceMs >= GIVE_BACK_MS;
    return isBack || (current.flowsSinceMs === null && primary?.flowsSinceMs) ? primary : current;
  }

  #switchTo(entry: Entry): void {
    const { began } = entry;
    if (!began) return;
    this.#current = entry;
    this.#stream.begin(began.init, began.tracks);
    for (const { unit, sourceMs } of entry.group) this.#stream.publish(unit, sourceMs);
  }
}
