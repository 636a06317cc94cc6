// The synthetic audience as a program: `p2plive audience`. A line a second while it runs, then a verdict; JSON lines with --json. With --obey
// a control plane gives orders on stdin, a JSON line each.
import { closeSync, openSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { AudienceSession, type AudienceEvent } from '../../audience/session.ts';
import { debugReader } from './debug-reader.ts';
import { whyNothing } from './on-air.ts';
import { tooFewFiles } from './open-files.ts';
import { readOptions, type ProgramOptions } from './options.ts';

const EXIT = { passed: 0, failed: 1, badSettings: 2, missingPart: 5 } as const;

function fail(code: number, sentence: string): never {
  process.stderr.write(`${sentence}\n`);
  process.exit(code);
}

function options(): ProgramOptions {
  try {
    return readOptions(process.argv.slice(2), process.env);
  } catch (error) {
    return fail(EXIT.badSettings, error instanceof Error ? error.message : String(error));
  }
}

/** Now, and not when the whole audience has been watched for nothing. */
function checkReport(file: string | null): void {
  if (file === null) return;
  try {
    closeSync(openSync(file, 'a'));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    fail(EXIT.badSettings, `The report cannot be written to ${file} (${code}); name another file with --report.`);
  }
}

const given = options();
const tooFew = tooFewFiles(given.viewers);
if (tooFew !== null) process.stderr.write(`${tooFew}\n`);
if (process.versions['electron'] !== undefined)
  fail(
    EXIT.missingPart,
    'A synthetic audience runs in plain Node, not inside Electron: start it with `p2plive audience`.',
  );
const nothing = await whyNothing(given.coordinate, given.stream);
if (nothing !== null) fail(EXIT.failed, nothing);
checkReport(given.report);
const { createNodeEnv } = await import('../node-env.ts').catch((error: unknown) =>
  fail(
    EXIT.missingPart,
    `WebRTC for Node (@roamhq/wrtc) does not load on this system: ${error instanceof Error ? error.message : String(error)}`,
  ),
);
const isTerminal = process.stdout.isTTY === true && !given.json;

let isAsked = false;
const { json, report, debugToken, obeys, ...about } = given;
const session = new AudienceSession(createNodeEnv(), about, debugReader(debugToken), (event) =>
  json ? void process.stdout.write(`${JSON.stringify(event)}\n`) : say(event),
);
const stop = (): void => {
  if (isAsked) process.exit(EXIT.failed); // asked twice
  isAsked = true;
  session.stop();
};
process.on('SIGINT', stop);
process.on('SIGTERM', stop);
process.stdout.on('error', () => process.exit(EXIT.failed)); // nobody reads us any more
if (process.env['P2PLIVE_PARENT'] === 'stdin' || obeys) {
  process.stdin.on('end', stop);
  createInterface({ input: process.stdin }).on('line', (line) => session.obey(line));
}

const result = await session.run();
if (report !== null) writeFileSync(report, `${JSON.stringify({ options: about, result }, null, 2)}\n`);
// wrtc's threads would keep the process.
setTimeout(() => process.exit(result.verdict === 'passed' ? EXIT.passed : EXIT.failed), 100);

function say(event: AudienceEvent): void {
  const write = (text: string): void => void process.stdout.write(text);
  switch (event.event) {
    case 'ready':
      return write(`${event.viewers} synthetic viewers join ${event.coordinate}; Ctrl-C ends it with a verdict.\n`);
    case 'settled':
    case 'obeyed':
    case 'refused':
      return; // a control plane's, which asks for JSON
    case 'second': {
      const { second, viewers, playing, late, units, longestGapMs, delayP50Ms, parents } = event;
      const line = `${second} s: ${playing}/${viewers} playing, ${late}/${units} late, longest gap ${longestGapMs} ms, delay ${delayP50Ms ?? '-'} ms, parents ${parents.peers} peers ${parents.forwards} forwards`;
      return write(isTerminal ? `\r\u001b[2K${line}` : `${line}\n`);
    }
    case 'done':
      write(`${isTerminal ? '\n' : ''}${event.sentences.join('\n')}\n`);
      return write(`${event.verdict}\n`);
  }
}
