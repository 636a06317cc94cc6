// The synthetic audience as a program: `p2plive audience`. A line a second while it runs, then a verdict; JSON lines with --json. With --obey
// a control plane gives orders on stdin, a JSON line each.
import { writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import * as v from 'valibot';
import { Audience, type Second } from './audience.ts';
import { readOptions, type AudienceOptions } from './options.ts';

const EXIT = { passed: 0, failed: 1, badSettings: 2, missingPart: 5 } as const;
const Order = v.variant('do', [
  v.object({ do: v.literal('lose'), share: v.pipe(v.number(), v.minValue(0), v.maxValue(1)) }),
  v.object({ do: v.literal('cut'), share: v.pipe(v.number(), v.minValue(0), v.maxValue(1)) }),
  v.object({ do: v.literal('poison') }),
]);

function fail(code: number, sentence: string): never {
  process.stderr.write(`${sentence}\n`);
  process.exit(code);
}

function options(): AudienceOptions {
  try {
    return readOptions(process.argv.slice(2), process.env);
  } catch (error) {
    return fail(EXIT.badSettings, error instanceof Error ? error.message : String(error));
  }
}

const given = options();
if (process.versions['electron'] !== undefined)
  fail(
    EXIT.missingPart,
    'A synthetic audience runs in plain Node, not inside Electron: start it with `p2plive audience`.',
  );
const { createNodeEnv } = await import('../node-env.ts').catch((error: unknown) =>
  fail(
    EXIT.missingPart,
    `WebRTC for Node (@roamhq/wrtc) does not load on this system: ${error instanceof Error ? error.message : String(error)}`,
  ),
);
const emit = (event: string, fields: object): void =>
  void process.stdout.write(`${JSON.stringify({ event, ...fields })}\n`);
const isTerminal = process.stdout.isTTY === true && !given.json;

let isOver = false;
let end: () => void = () => {};
const ended = new Promise<void>((resolve) => (end = resolve));
const stop = (): void => {
  if (isOver) process.exit(EXIT.failed); // asked twice
  isOver = true;
  end();
};
process.on('SIGINT', stop);
process.on('SIGTERM', stop);
process.stdout.on('error', () => process.exit(EXIT.failed)); // nobody reads us any more

const audience = new Audience(createNodeEnv(), given, seeded(given.seed), (second) => tell(second));
if (process.env['P2PLIVE_PARENT'] === 'stdin' || given.obeys) {
  process.stdin.on('end', stop);
  const orders = createInterface({ input: process.stdin });
  orders.on('line', (line) => {
    const order = v.safeParse(Order, parsed(line));
    if (order.success) emit('obeyed', { order: order.output, what: audience.obey(order.output) });
    else emit('refused', { detail: 'That is no order: lose, cut or poison.' });
  });
}
if (given.json) emit('ready', { ...given, debugToken: undefined });
else
  process.stdout.write(`${given.viewers} synthetic viewers join ${given.coordinate}; Ctrl-C ends it with a verdict.\n`);

await audience.begin(() => isOver);
if (given.json) emit('settled', {});
const timer = setTimeout(end, given.seconds * 1_000);
await ended;
clearTimeout(timer);
isOver = true;
const result = await audience.finish();
if (given.report !== null) writeFileSync(given.report, `${JSON.stringify({ options: given, result }, null, 2)}\n`);
if (given.json) emit('done', result);
else {
  process.stdout.write(`${isTerminal ? '\n' : ''}${result.sentences.join('\n')}\n`);
  if (result.offload === null)
    process.stdout.write(
      'The servers’ counters cannot be read from here (P2PLIVE_DEBUG_TOKEN), so there is no offload.\n',
    );
  process.stdout.write(`${result.verdict}\n`);
}
// wrtc's threads would keep the process.
setTimeout(() => process.exit(result.verdict === 'passed' ? EXIT.passed : EXIT.failed), 100);

function tell(second: Second): void {
  if (given.json) return emit('second', second);
  const { viewers, playing, late, units, longestGapMs, delayP50Ms, parents } = second;
  const line = `${second.second} s: ${playing}/${viewers} playing, ${late}/${units} late, longest gap ${longestGapMs} ms, delay ${delayP50Ms ?? '-'} ms, parents ${parents.peers} peers ${parents.forwards} forwards`;
  process.stdout.write(isTerminal ? `\r\u001b[2K${line}` : `${line}\n`);
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return null;
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
