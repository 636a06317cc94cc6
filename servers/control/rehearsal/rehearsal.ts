// What a person rehearses with before a show: a synthetic audience, and drills on it with a verdict. One of each at a time; nothing here
// touches people who really watch, except that a killed program is killed for them too, which is said before it is done.
import type { Outcome } from '../../../protocol/control.ts';
import type {
  AudienceAsk,
  AudienceLimits,
  AudienceSecond,
  AudienceView,
  DrillName,
  DrillReport,
  Obeyed,
  DrillView,
} from '../../../protocol/rehearsal.ts';
import type { Log } from '../../shared/log.ts';
import { badCall, done, notNow } from '../dispatch.ts';
import { AudienceRun } from './audience-run.ts';
import type { AudienceCarrier, AudienceTarget } from './carrier.ts';
import { judgeDrill, PLANS } from './drill-plan.ts';
import { DrillReports } from './drill-reports.ts';

/** A drill's own audience where none watches. */
const DRILL_AUDIENCE = {
  viewers: 12,
  uplink: 'equal',
  churnPerMinute: 0,
  loss: 0,
  evil: 0,
  seed: 1,
  seconds: 600,
} as const;
const SETTLE_WITHIN_MS = 60_000;
/** All play, and hardly a unit is late, for so many seconds before the blow. */
const CALM_SECONDS = 3;
const SECONDS_BEFORE = 3;
const LOOK_EVERY_MS = 200;

export interface RehearsalOwner {
  carrier: AudienceCarrier;
  /** Text: why nothing is on air that could be watched. */
  target(): AudienceTarget | string;
  /** Process of a program of our own; null where it does not run. */
  pidOf(program: string): number | null;
  /** Ids of viewers that the trackers have convicted. */
  convicted(): readonly string[];
  changed(): void;
  mark(text: string): void;
  log: Log;
}

export class Rehearsal {
  readonly #owner: RehearsalOwner;
  readonly #reports: DrillReports;
  #run: AudienceRun | null = null;
  #drill: { name: DrillName; step: string; sinceMs: number } | null = null;
  #problem: string | null = null;
  #isClosed = false;

  /** @param folder where reports are kept */
  constructor(owner: RehearsalOwner, folder: string) {
    this.#owner = owner;
    this.#reports = new DrillReports(folder, owner.log);
  }

  get audience(): AudienceView {
    return this.#run?.view ?? { is: 'none' };
  }

  get limits(): AudienceLimits {
    return this.#owner.carrier.limits;
  }

  get drill(): DrillView {
    return { running: this.#drill, problem: this.#problem, reports: this.#reports.list() };
  }

  startAudience(ask: AudienceAsk): Outcome<null> {
    if (this.#isClosed) return notNow('Everything is being closed.');
    if (this.#run?.isRunning) return notNow('An audience watches already; end it first.');
    const target = this.#owner.target();
    if (typeof target === 'string') return notNow(target);
    const { limits } = this.#owner.carrier;
    if (ask.viewers > limits.viewers)
      return badCall(`At most ${limits.viewers} synthetic viewers can be carried here, not ${ask.viewers}.`);
    this.#run = new AudienceRun(this.#owner.carrier.start(ask, target), ask, () => this.#owner.changed());
    this.#owner.changed();
    return done;
  }

  async stopAudience(): Promise<Outcome<null>> {
    if (!this.#run?.isRunning) return notNow('No audience watches.');
    await this.#run.stop();
    return done;
  }

  /** Begins a drill; how it goes stands in the view. */
  startDrill(name: DrillName, viewers = DRILL_AUDIENCE.viewers): Outcome<null> {
    if (this.#drill) return notNow(`The drill ${this.#drill.name} is running; one at a time.`);
    const target = this.#owner.target();
    if (typeof target === 'string') return notNow(target);
    const { blow } = PLANS[name];
    if (blow.kind === 'kill' && this.#owner.pidOf(blow.program) === null)
      return notNow(`The ${blow.program} does not run, so it cannot be killed: start it first.`);
    void this.drillNow(name, viewers);
    return done;
  }

  /** @returns the report, or a sentence why there is none */
  async drillNow(name: DrillName, viewers: number = DRILL_AUDIENCE.viewers): Promise<DrillReport | string> {
    this.#problem = null;
    this.#step(name, 'The audience joins.');
    let own = false;
    try {
      if (!this.#run?.isRunning) {
        const begun = this.startAudience({ ...DRILL_AUDIENCE, viewers });
        if (!begun.ok) return this.#fail(begun.detail);
        own = true;
      }
      const run = this.#run;
      if (!run) return this.#fail('The audience could not be started.');
      const why = await this.#calm(run);
      if (why !== null) return this.#fail(why);
      const before = run.seconds.length > 0 ? (run.seconds.at(-1)?.second ?? 0) : 0;
      const known = new Set(this.#owner.convicted());
      const struck = await this.#strike(name, run);
      if ('why' in struck) return this.#fail(struck.why);
      const { what } = struck;
      this.#step(name, what);
      this.#owner.mark(`Drill ${name}: ${what}`);
      const plan = PLANS[name];
      const over = await this.#until(
        () => !run.isRunning || (run.seconds.at(-1)?.second ?? 0) >= before + plan.watchSeconds,
      );
      if (!over || !run.isRunning)
        return this.#fail(run.view.is === 'failed' ? run.view.detail : 'The audience ended before the drill did.');
      const after = run.seconds.filter(({ second }) => second > before);
      // Only the one that was turned: others may misbehave by their own ask.
      const convicted =
        name === 'poison' ? this.#owner.convicted().some((id) => !known.has(id) && what.startsWith(id)) : null;
      const report: DrillReport = {
        name,
        atMs: Date.now(),
        viewers: run.ask.viewers,
        what,
        ...judgeDrill(plan, after, convicted),
        seconds: run.seconds.filter(({ second }) => second > before - SECONDS_BEFORE),
      };
      this.#reports.add(report);
      this.#owner.mark(`Drill ${name}: ${report.verdict}.`);
      return report;
    } finally {
      if (own) await this.#run?.stop();
      this.#drill = null;
      this.#owner.changed();
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#run?.isRunning) await this.#run.stop();
  }

  async #strike(name: DrillName, run: AudienceRun): Promise<Obeyed> {
    const { blow } = PLANS[name];
    if (blow.kind === 'order') return run.order(blow.order);
    const pid = this.#owner.pidOf(blow.program);
    if (pid === null) return { why: `The ${blow.program} does not run, so it cannot be killed.` };
    process.kill(pid, 'SIGKILL');
    return { what: `The ${blow.program} was killed; its supervisor starts it again.` };
  }

  /** Waits until all play. @returns why that did not happen, or null */
  async #calm(run: AudienceRun): Promise<string | null> {
    const isCalm = (): boolean => {
      const last = run.seconds.slice(-CALM_SECONDS);
      return (
        run.view.is === 'watching' &&
        last.length === CALM_SECONDS &&
        last.every(({ playing, viewers, late, units }) => playing === viewers && late <= 0.05 * units)
      );
    };
    const isOff = (): boolean => typeof this.#owner.target() === 'string';
    await this.#until(() => isCalm() || !run.isRunning || isOff(), SETTLE_WITHIN_MS);
    if (run.view.is === 'failed') return run.view.detail;
    if (!run.isRunning) return 'The audience ended before the drill began.';
    if (isOff()) return 'The broadcast went off the air before the drill began.';
    return isCalm() ? null : `The audience did not come to rest within a minute: ${unrestOf(run.seconds.at(-1))}`;
  }

  async #until(holds: () => boolean, withinMs = 120_000): Promise<boolean> {
    for (const endMs = performance.now() + withinMs; performance.now() < endMs && !this.#isClosed;) {
      if (holds()) return true;
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    }
    return false;
  }

  #step(name: DrillName, step: string): void {
    this.#drill = { name, step, sinceMs: Date.now() };
    this.#owner.changed();
  }

  #fail(why: string): string {
    this.#problem = why;
    return why;
  }
}

function unrestOf(last: AudienceSecond | undefined): string {
  if (!last) return 'nothing was heard of it.';
  const { playing, viewers, late, units } = last;
  return `in its last second ${playing} of ${viewers} played and ${late} of ${units} units were late. A machine that is too busy or a forward that is down would explain it.`;
}
