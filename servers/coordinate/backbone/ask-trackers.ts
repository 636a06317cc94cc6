// Asks every known tracker for its forwards in a loop: those that the settings list may not register by themselves, and those that
// did may name forwards that a lost heartbeat did not.
import * as v from 'valibot';
import { ForwardRecord, TrackerRecord } from '../../../protocol/backbone.ts';
import { few } from '../../../protocol/fields.ts';
import { MAX_BACKBONE_CHARS } from '../../../protocol/limits.ts';
import { awakeMs, patienceSignal } from '../../shared/awake.ts';
import type { Log } from '../../shared/log.ts';
import type { Roster } from './roster.ts';
import { badAddress } from './tracker-api.ts';

const EVERY_MS = 2_000;
const ANSWER_WITHIN_MS = 2_000;

const Answer = v.object({ tracker: TrackerRecord, forwards: few(ForwardRecord, 256) });

export class TrackerRounds {
  readonly #roster: Roster;
  readonly #listed: readonly string[];
  readonly #secret: string | undefined;
  readonly #log: Log;
  readonly #asking = new Set<string>();
  readonly #closing = new AbortController();
  #timer: NodeJS.Timeout | null = null;

  constructor(roster: Roster, listed: readonly string[], secret: string | undefined, log: Log) {
    this.#roster = roster;
    this.#listed = listed.map((base) => base.replace(/\/+$/, ''));
    this.#secret = secret;
    this.#log = log;
  }

  start(): void {
    this.#round();
    this.#timer = setInterval(() => this.#round(), EVERY_MS);
  }

  close(): void {
    if (this.#timer) clearInterval(this.#timer);
    this.#closing.abort();
  }

  #round(): void {
    const registered = this.#roster
      .trackers()
      .filter((t) => t.state === 'here')
      .map((t) => t.record.base.replace(/\/+$/, ''));
    for (const base of new Set([...this.#listed, ...registered])) {
      if (this.#asking.has(base)) continue; // it has not answered the last time yet
      this.#asking.add(base);
      void this.#ask(base).finally(() => this.#asking.delete(base));
    }
  }

  async #ask(base: string): Promise<void> {
    const headers = this.#secret === undefined ? {} : { authorization: `Bearer ${this.#secret}` };
    const signal = AbortSignal.any([this.#closing.signal, patienceSignal(ANSWER_WITHIN_MS)]);
    try {
      const response = await fetch(`${base}/forwards`, { headers, signal, redirect: 'error' });
      if (!response.ok) throw new Error(`it answers ${response.status}`);
      const answer = v.parse(Answer, JSON.parse(await limited(response, MAX_BACKBONE_CHARS)));
      const record = { ...answer.tracker, forwards: answer.forwards };
      const bad = badAddress(record);
      if (bad !== null) throw new Error(bad);
      if (!this.#closing.signal.aborted) this.#roster.hear(record, awakeMs());
    } catch (error) {
      this.#log.debug({ tracker: base, reason: (error as Error).message }, 'a tracker does not tell its forwards');
    }
  }
}

/** The text of an answer that is not longer than it should be. */
async function limited(response: Response, mostBytes: number): Promise<string> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    size += part.length;
    if (size > mostBytes) throw new Error('its answer is too long');
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}
