// One synthetic audience from its first viewer to its verdict, told as events. Whoever runs it carries them: a program writes each as a line
// on its stdout, a hidden window hands them to the desktop app.
import * as v from 'valibot';
import type { PeerEnv } from '../mesh/env.ts';
import { Audience, type Second } from './audience.ts';
import type { AudienceOptions } from './options.ts';
import type { ReadJson } from './server-counters.ts';
import type { Sums, Verdict } from './verdict.ts';

const Share = v.pipe(v.number(), v.minValue(0), v.maxValue(1));
const Order = v.variant('do', [
  v.object({ do: v.literal('lose'), share: Share }),
  v.object({ do: v.literal('cut'), share: Share }),
  v.object({ do: v.literal('poison') }),
]);
type Order = v.InferOutput<typeof Order>;

export type AudienceEvent =
  | ({ event: 'ready' } & AudienceOptions)
  /** All have joined and the mesh is at rest: what is seen from here on counts. */
  | { event: 'settled' }
  | ({ event: 'second' } & Second)
  | { event: 'obeyed'; order: Order; what: string }
  | { event: 'refused'; detail: string }
  | ({ event: 'done' } & Sums & Verdict);

export class AudienceSession {
  readonly #env: PeerEnv;
  readonly #options: AudienceOptions;
  readonly #tell: (event: AudienceEvent) => void;
  readonly #audience: Audience;
  #isOver = false;
  #end: () => void = () => {};
  readonly #ended = new Promise<void>((resolve) => (this.#end = resolve));

  constructor(env: PeerEnv, options: AudienceOptions, readJson: ReadJson, tell: (event: AudienceEvent) => void) {
    this.#env = env;
    this.#options = options;
    this.#tell = tell;
    this.#audience = new Audience(env, options, seeded(options.seed), readJson, (second) =>
      tell({ event: 'second', ...second }),
    );
  }

  /** Until the time is over, or `stop`. */
  async run(): Promise<Sums & Verdict> {
    this.#tell({ event: 'ready', ...this.#options });
    await this.#audience.begin(() => this.#isOver);
    this.#tell({ event: 'settled' });
    const cancel = this.#env.after(this.#options.seconds * 1_000, this.#end);
    await this.#ended;
    cancel();
    this.#isOver = true;
    const result = await this.#audience.finish();
    this.#tell({ event: 'done', ...result });
    return result;
  }

  /** @param text an order as JSON */
  obey(text: string): void {
    const order = v.safeParse(Order, parsed(text));
    if (!order.success) return this.#tell({ event: 'refused', detail: 'That is no order: lose, cut or poison.' });
    const done = this.#audience.obey(order.output);
    if ('why' in done) this.#tell({ event: 'refused', detail: done.why });
    else this.#tell({ event: 'obeyed', order: order.output, what: done.what });
  }

  /** Ends it early; there is a verdict over the time that was. */
  stop(): void {
    this.#isOver = true;
    this.#end();
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null; // no order either
  }
}

/** Mulberry32: small, even enough for an audience, the same everywhere. */
function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
