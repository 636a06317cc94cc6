// Keeps this tracker known to the coordinate: registers, sends a heartbeat a second, says goodbye. The coordinate may start later, go
// and come back: that is tried for ever, quietly.
import * as v from 'valibot';
import { TrackerWelcome, type TrackerRecord } from '../../protocol/backbone.ts';
import { LOST_AFTER_MS, TRACKER_HEARTBEAT_MS } from '../../protocol/limits.ts';
import { patienceSignal } from '../shared/awake.ts';
import type { Log } from '../shared/log.ts';
import type { CoordinateClock } from './clock.ts';

const RETRY_FIRST_MS = 300;
const RETRY_MOST_MS = 2_000;
/** After a change that met a heartbeat on its way. */
const CHANGED_AGAIN_MS = 50;
/**
 * One that is there and too busy to answer is not lost: by then the coordinate would say the same
 * of us.
 */
const ANSWER_WITHIN_MS = LOST_AFTER_MS;
const MAX_ANSWER_CHARS = 1024 * 1024;

export interface RegistrationOptions {
  /** Base address of the coordinate. */
  coordinate: string;
  meshSecret: string | undefined;
  record(): TrackerRecord;
  clock: CoordinateClock;
  /** Each answer; null when the coordinate does not answer any more. */
  heard: (welcome: TrackerWelcome | null) => void;
  log: Log;
}

export class Registration {
  readonly #options: RegistrationOptions;
  #registered = false;
  #beating = false;
  /** Something changed while a heartbeat was on its way. */
  #stale = false;
  #retryMs = RETRY_FIRST_MS;
  #timer: NodeJS.Timeout | null = null;
  #closed = false;

  constructor(options: RegistrationOptions) {
    this.#options = options;
  }

  get isRegistered(): boolean {
    return this.#registered;
  }

  start(): void {
    void this.#beat();
  }

  /** The record changed: the coordinate hears of it now and not with the next heartbeat. */
  changed(): void {
    if (this.#closed || !this.#registered) return;
    if (this.#beating) {
      this.#stale = true;
      return;
    }
    if (this.#timer) clearTimeout(this.#timer);
    void this.#beat();
  }

  /** Says goodbye if anybody listens; waits for that only a moment. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#timer) clearTimeout(this.#timer);
    if (!this.#registered) return;
    const path = `/tracker?id=${encodeURIComponent(this.#options.record().id)}`;
    await this.#ask('DELETE', path).catch(() => null); // it will miss our heartbeats
  }

  async #beat(): Promise<void> {
    const { log, coordinate, heard } = this.#options;
    const was = this.#registered;
    this.#beating = true;
    this.#stale = false;
    try {
      const welcome = await this.#say(was ? 'PUT' : 'POST');
      if (this.#closed) return;
      this.#registered = true;
      this.#retryMs = RETRY_FIRST_MS;
      if (!was) log.info({ coordinate }, 'registered at the coordinate');
      heard(welcome);
    } catch (error) {
      if (this.#closed) return;
      this.#registered = false;
      const reason = error instanceof Error ? error.message : String(error);
      if (was) log.warn({ coordinate, reason }, 'lost the coordinate; trying again');
      else log.debug({ coordinate, reason }, 'the coordinate does not answer yet');
      if (was) heard(null);
    } finally {
      this.#beating = false;
    }
    const again = this.#stale ? CHANGED_AGAIN_MS : TRACKER_HEARTBEAT_MS;
    this.#timer = setTimeout(() => void this.#beat(), this.#registered ? again : this.#retryMs);
    if (!this.#registered) this.#retryMs = Math.min(RETRY_MOST_MS, this.#retryMs * 1.6);
  }

  async #say(method: 'POST' | 'PUT'): Promise<TrackerWelcome> {
    const measured = this.#options.clock.measure();
    const response = await this.#ask(method, '/tracker', JSON.stringify(this.#options.record()));
    const text = await response.text();
    if (!response.ok) throw new Error(`${response.status} ${text.slice(0, 300)}`);
    if (text.length > MAX_ANSWER_CHARS) throw new Error('its answer is too long');
    const welcome = v.parse(TrackerWelcome, JSON.parse(text));
    measured(welcome.coordinateMs);
    return welcome;
  }

  #ask(method: string, path: string, body?: string): Promise<Response> {
    const { coordinate, meshSecret } = this.#options;
    const headers: Record<string, string> = { 'content-type': 'application/json' };
    if (meshSecret !== undefined) headers['authorization'] = `Bearer ${meshSecret}`;
    const signal = patienceSignal(this.#closed ? 500 : ANSWER_WITHIN_MS);
    return fetch(`${coordinate.replace(/\/$/, '')}${path}`, {
      method,
      headers,
      signal,
      ...(body === undefined ? {} : { body }),
    });
  }
}
