// One synthetic audience as a child of the control plane: heard, given orders, ended. What it runs in is carrier.ts.
import * as v from 'valibot';
import {
  AudienceSecond,
  Verdict,
  type AudienceAsk,
  type AudienceView,
  type Obeyed,
} from '../../../protocol/rehearsal.ts';
import type { Child } from '../launch.ts';
import { eachLine, Tail } from '../lines.ts';

/** Seconds that a console can look back on. */
const KEPT_SECONDS = 120;
const KILL_AFTER_MS = 5_000;
const ENDED = { why: 'The audience ended before it obeyed.' };

const Heard = v.variant('event', [
  v.object({ event: v.literal('ready') }),
  v.object({ event: v.literal('settled') }),
  v.object({ event: v.literal('second'), ...AudienceSecond.entries }),
  v.object({ event: v.literal('obeyed'), what: v.string() }),
  v.object({ event: v.literal('refused'), detail: v.string() }),
  v.object({ event: v.literal('done'), ...Verdict.entries }),
]);

export class AudienceRun {
  readonly ask: AudienceAsk;
  view: AudienceView;
  readonly #child: Child;
  readonly #changed: () => void;
  readonly #ended: Promise<void>;
  #seconds: AudienceSecond[] = [];
  #obeyed: ((done: Obeyed) => void)[] = [];
  #kill: NodeJS.Timeout | null = null;

  /** @param child what carries it (carrier.ts) */
  constructor(child: Child, ask: AudienceAsk, changed: () => void) {
    this.ask = ask;
    this.#child = child;
    this.#changed = changed;
    this.view = { is: 'joining', ask, seconds: [] };
    const words = new Tail(20);
    eachLine(this.#child.stdout, (line) => this.#hear(line));
    eachLine(this.#child.stderr, (line) => words.add(line));
    this.#ended = new Promise((resolve) => {
      this.#child.onExit((code, signal) => {
        if (this.#kill) clearTimeout(this.#kill);
        // Whoever waits for an order to be obeyed waits no longer.
        for (const obeyed of this.#obeyed.splice(0)) obeyed(ENDED);
        if (this.view.is === 'joining' || this.view.is === 'watching')
          this.#set({ is: 'failed', detail: words.list().join(' ').slice(0, 900) || endedBy(signal ?? code) });
        resolve();
      });
    });
  }

  get isRunning(): boolean {
    return this.view.is === 'joining' || this.view.is === 'watching';
  }

  get seconds(): readonly AudienceSecond[] {
    return this.#seconds;
  }

  async order(order: object): Promise<Obeyed> {
    if (!this.#child.say) return { why: 'This audience takes no orders.' };
    if (!this.isRunning) return ENDED;
    this.#child.say(JSON.stringify(order));
    return new Promise((resolve) => this.#obeyed.push(resolve));
  }

  /** Ends it; it has a verdict then, over the time that was. */
  stop(): Promise<void> {
    this.#child.stop();
    this.#kill ??= setTimeout(() => this.#child.kill(), KILL_AFTER_MS);
    return this.#ended;
  }

  #hear(line: string): void {
    const heard = v.safeParse(Heard, parsed(line));
    if (!heard.success) return;
    const message = heard.output;
    const { ask } = this;
    switch (message.event) {
      case 'ready':
        return;
      case 'settled':
        return this.#set({ is: 'watching', ask, seconds: this.#seconds });
      case 'second': {
        const { event: _event, ...second } = message;
        this.#seconds = [...this.#seconds, second].slice(-KEPT_SECONDS);
        if (this.view.is === 'joining' || this.view.is === 'watching')
          this.#set({ ...this.view, seconds: this.#seconds });
        return;
      }
      case 'obeyed':
        return this.#obeyed.shift()?.({ what: message.what });
      case 'refused':
        return this.#obeyed.shift()?.({ why: message.detail });
      case 'done': {
        const { verdict, sentences } = message;
        return this.#set({ is: 'done', ask, seconds: this.#seconds, result: { verdict, sentences } });
      }
    }
  }

  #set(view: AudienceView): void {
    this.view = view;
    this.#changed();
  }
}

const endedBy = (what: string | number | null): string =>
  `The program of the audience ended by itself (${what ?? 'unknown'}). Start it again, with fewer viewers if this machine is busy.`;

/** A library of the child's may print what is no event. */
function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}
