// Which trackers and forwards there are, by what trackers say of themselves: heard lately, lost, back again. No sockets here.
import type { ForwardRecord, TrackerRecord } from '../../../protocol/backbone.ts';
import { LOST_AFTER_MS, TRACKER_HEARTBEAT_MS } from '../../../protocol/limits.ts';

const MAX_TRACKERS = 1_000;
const MAX_FORWARDS = 4_096;
/** A lost tracker is shown for so long, and its forwards are still pushed to: their viewers go on without it. */
const REMEMBER_MS = 10 * 60_000;
/** Silent for so long while another speaks at its very address, it was started again under a new name. */
const REPLACED_AFTER_MS = 2 * TRACKER_HEARTBEAT_MS;
/** A forward that its own living tracker no longer names is gone. */
const UNNAMED_MS = 10_000;

export interface KnownTracker {
  record: TrackerRecord;
  heardMs: number;
  state: 'here' | 'lost';
  /** Viewers sent there since it last said how many it has. */
  sent: number;
}

export interface KnownForward {
  record: ForwardRecord;
  /** The tracker that named it last. */
  tracker: string;
  namedMs: number;
}

export interface RosterEvents {
  trackerFound(record: TrackerRecord, again: boolean): void;
  trackerLost(record: TrackerRecord): void;
  /** Forwards came, went or moved. */
  forwardsChanged(): void;
}

/**
 * Times are milliseconds on any steady clock that stands while this program does not run
 * (servers/shared/awake.ts).
 */
export class Roster {
  readonly #trackers = new Map<string, KnownTracker>();
  readonly #forwards = new Map<string, KnownForward>();
  readonly #events: RosterEvents;

  constructor(events: RosterEvents) {
    this.#events = events;
  }

  trackers(): KnownTracker[] {
    return [...this.#trackers.values()];
  }

  forwards(): KnownForward[] {
    return [...this.#forwards.values()];
  }

  tracker(id: string): KnownTracker | undefined {
    return this.#trackers.get(id);
  }

  forward(id: string): KnownForward | undefined {
    return this.#forwards.get(id);
  }

  /** Push addresses to dial: forwards without one dial in. */
  pushAddresses(): string[] {
    return this.forwards().flatMap((f) => f.record.push ?? []);
  }

  /** A registration, a heartbeat, or an answer to our question. @returns false when the roster is full */
  hear(record: TrackerRecord, nowMs: number): boolean {
    const known = this.#trackers.get(record.id);
    if (!known && this.#trackers.size >= MAX_TRACKERS && !this.#makeRoom()) return false;
    this.#trackers.set(record.id, { record, heardMs: nowMs, state: 'here', sent: 0 });
    if (known?.state !== 'here') this.#events.trackerFound(record, known !== undefined);
    this.#name(record, nowMs);
    return true;
  }

  /** It says goodbye. Its forwards are remembered: they will find another tracker, or the same again. */
  leave(id: string, nowMs: number): void {
    const known = this.#trackers.get(id);
    if (!known) return;
    this.#trackers.delete(id);
    for (const forward of this.#forwards.values()) if (forward.tracker === id) forward.namedMs = nowMs;
    if (known.state === 'here') this.#events.trackerLost(known.record);
  }

  /** Called every second or so: finds out who is silent. */
  sweep(nowMs: number): void {
    for (const [id, known] of this.#trackers) {
      const silentMs = nowMs - known.heardMs;
      if (silentMs > REPLACED_AFTER_MS && this.#hasSuccessor(known)) this.leave(id, nowMs);
      else if (known.state === 'here' && silentMs > LOST_AFTER_MS) {
        known.state = 'lost';
        this.#events.trackerLost(known.record);
      } else if (silentMs > REMEMBER_MS) this.#trackers.delete(id);
    }
    let changed = false;
    for (const [id, forward] of this.#forwards) {
      const tracker = this.#trackers.get(forward.tracker);
      const limit = tracker?.state === 'here' ? UNNAMED_MS : REMEMBER_MS;
      if (nowMs - forward.namedMs <= limit) continue;
      this.#forwards.delete(id);
      changed = true;
    }
    if (changed) this.#events.forwardsChanged();
  }

  #name(record: TrackerRecord, nowMs: number): void {
    let changed = false;
    for (const forward of record.forwards) {
      const known = this.#forwards.get(forward.id);
      if (!known && this.#forwards.size >= MAX_FORWARDS) continue;
      changed ||= !known || known.record.push !== forward.push;
      // The same place under a new name: a forward that was started again.
      if (!known && forward.push !== undefined)
        for (const [id, old] of this.#forwards) if (old.record.push === forward.push) this.#forwards.delete(id);
      this.#forwards.set(forward.id, { record: forward, tracker: record.id, namedMs: nowMs });
    }
    if (changed) this.#events.forwardsChanged();
  }

  #hasSuccessor({ record: { base }, heardMs }: KnownTracker): boolean {
    return this.trackers().some((other) => other.record.base === base && other.heardMs > heardMs);
  }

  #makeRoom(): boolean {
    for (const [id, known] of this.#trackers) if (known.state === 'lost') return this.#trackers.delete(id);
    return false;
  }
}
