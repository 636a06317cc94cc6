// The headless peer as a program: `p2plive peer`. One JSON line per event on stdout, one `stats` line per peer every few seconds.
import { parseArgs } from 'node:util';
import * as v from 'valibot';
import { StreamName, Url } from '../../protocol/fields.ts';
import { EVIL_WAYS, evilEnv } from '../audience/evil.ts';

const EXIT = { ok: 0, badSettings: 2, missingPart: 5 } as const;
const STATS_MS = 5_000;
/** Joins are spread over this much per peer, so that a hundred in one process do not arrive as one. */
const JOIN_EVERY_MS = 50;

const Options = v.object({
  coordinate: v.optional(Url, 'http://127.0.0.1:8080'),
  stream: v.optional(StreamName, 'live'),
  count: v.optional(v.pipe(v.string(), v.regex(/^\d+$/), v.transform(Number), v.minValue(1), v.maxValue(1_000)), '1'),
  role: v.optional(v.picklist(['viewer', 'relay']), 'viewer'),
  shares: v.optional(v.picklist(['true', 'false', 'yes', 'no']), 'true'),
  evil: v.optional(v.picklist(EVIL_WAYS)),
});

function fail(code: number, sentence: string): never {
  process.stderr.write(`${sentence}\n`);
  process.exit(code);
}

function readOptions(): v.InferOutput<typeof Options> {
  const text = { type: 'string' } as const;
  try {
    const { values } = parseArgs({
      options: { coordinate: text, stream: text, count: text, role: text, shares: text, evil: text },
    });
    const parsed = v.safeParse(Options, values);
    if (parsed.success) return parsed.output;
    const issue = parsed.issues[0];
    return fail(EXIT.badSettings, `--${v.getDotPath(issue) ?? 'option'}: ${issue.message}.`);
  } catch (error) {
    return fail(EXIT.badSettings, error instanceof Error ? error.message : String(error));
  }
}

const emit = (event: string, fields: object): void =>
  void process.stdout.write(`${JSON.stringify({ event, ...fields })}\n`);

const options = readOptions();
if (process.versions['electron'] !== undefined)
  fail(EXIT.missingPart, 'The headless peer runs in plain Node, not inside Electron: start it with `p2plive peer`.');
const { createNodeEnv } = await import('./node-env.ts').catch((error: unknown) =>
  fail(
    EXIT.missingPart,
    `WebRTC for Node (@roamhq/wrtc) does not load on this system: ${error instanceof Error ? error.message : String(error)}`,
  ),
);
const { HeadlessPeer } = await import('../audience/headless-peer.ts');
const honest = createNodeEnv();
const { evil } = options;
const peers = Array.from({ length: options.count }, (_, index) => {
  const env = evil === undefined ? honest : evilEnv(honest, evil, () => true).env;
  const peer = new HeadlessPeer(env, {
    coordinate: options.coordinate.replace(/\/$/, ''),
    stream: options.stream,
    shares: options.shares === 'true' || options.shares === 'yes',
    role: options.role,
  });
  honest.after(index * JOIN_EVERY_MS, () => peer.start());
  return peer;
});
const timer = setInterval(() => {
  for (const peer of peers) emit('stats', peer.stats());
}, STATS_MS);

const stop = (): void => {
  clearInterval(timer);
  for (const peer of peers) peer.close();
  // wrtc's threads would keep the process; the byes are on their way after a turn of the loop.
  setTimeout(() => process.exit(EXIT.ok), 100);
};
process.on('SIGTERM', stop);
process.on('SIGINT', stop);
process.stdout.on('error', () => process.exit(EXIT.ok)); // nobody reads us any more
if (process.env['P2PLIVE_PARENT'] === 'stdin') {
  process.stdin.on('end', stop);
  process.stdin.resume();
}
// Whoever reads this may end us at once.
emit('ready', { coordinate: options.coordinate, stream: options.stream, count: peers.length });
