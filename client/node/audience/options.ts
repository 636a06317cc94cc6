// What the program of a synthetic audience is told on its command line.
import { parseArgs } from 'node:util';
import * as v from 'valibot';
import { StreamName } from '../../../protocol/fields.ts';
import { EVIL_WAYS, type EvilWay } from '../../audience/evil.ts';
import { JOIN_EVERY_MS, PROFILES, type AudienceOptions } from '../../audience/options.ts';

/** More peers than this want more than one process has file descriptors and cores for. */
export const MOST_VIEWERS = 200;
const MOST_RTT_MS = 2_000;
const MOST_SECONDS = 24 * 60 * 60;

export interface ProgramOptions extends AudienceOptions {
  json: boolean;
  report: string | null;
  debugToken: string | undefined;
  /** Takes orders from a control plane on stdin. */
  obeys: boolean;
}

/** @throws Error with one sentence and what to write instead */
export function readOptions(words: readonly string[], env: NodeJS.ProcessEnv = {}): ProgramOptions {
  const { values, positionals } = parsed(words);
  if (positionals.length > 1) throw new Error(`There is a word too many: "${positionals[1]}".`);
  const viewers = values.viewers ?? positionals[0];
  if (viewers === undefined) throw new Error('Say how many viewers: p2plive audience 20.');
  const uplink = values.uplink ?? 'equal';
  if (!Object.hasOwn(PROFILES, uplink)) throw new Error(`--uplink is one of ${Object.keys(PROFILES).join(', ')}.`);
  const way = values['evil-way'] ?? 'corrupt';
  if (!EVIL_WAYS.includes(way as EvilWay)) throw new Error(`--evil-way is one of ${EVIL_WAYS.join(', ')}.`);
  const coordinate = (values.coordinate ?? env['P2PLIVE_COORDINATE'] ?? 'http://127.0.0.1:8080').replace(/\/+$/, '');
  if (!/^https?:/.test(coordinate) || !URL.canParse(coordinate))
    throw new Error('--coordinate is an address such as http://127.0.0.1:8080.');
  return {
    coordinate,
    stream: streamName(values.stream ?? 'live'),
    viewers: whole('The number of viewers', viewers, 1, MOST_VIEWERS),
    uplink,
    churnPerMinute: share('--churn', (values.churn ?? '0').replace(/\/min$/, ''), 10),
    loss: share('--loss', values.loss ?? '0', 0.5),
    rttMs: roundTrips(values.rtt ?? '0'),
    evil: share('--evil', values.evil ?? '0', 0.5),
    evilWay: way as EvilWay,
    seed: whole('--seed', values.seed ?? '1', 0, 2 ** 31),
    seconds: whole('--seconds', values.seconds ?? '60', 5, MOST_SECONDS),
    joinEveryMs: whole('--join-every', values['join-every'] ?? String(JOIN_EVERY_MS), 1, 60_000),
    settleSeconds: whole('--settle', values.settle ?? '5', 0, 600),
    json: values.json ?? false,
    report: values.report ?? null,
    debugToken: env['P2PLIVE_DEBUG_TOKEN'],
    obeys: values.obey ?? false,
  };
}

function parsed(words: readonly string[]) {
  const text = { type: 'string' } as const;
  try {
    return parseArgs({
      args: [...words],
      allowPositionals: true,
      options: {
        coordinate: text,
        stream: text,
        viewers: text,
        uplink: text,
        churn: text,
        loss: text,
        rtt: text,
        evil: text,
        'evil-way': text,
        seed: text,
        seconds: text,
        settle: text,
        'join-every': text,
        json: { type: 'boolean' },
        report: text,
        obey: { type: 'boolean' },
      },
    });
  } catch (error) {
    // The first sentence says which; the others are about dashes.
    const [what = ''] = (error instanceof Error ? error.message : '').split(/\. |\n/);
    throw new Error(`${what.replace(/\.?$/, '.')} p2plive audience --help shows what is understood.`);
  }
}

function whole(what: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < least || value > most)
    throw new Error(`${what} is a whole number from ${least} to ${most}.`);
  return value;
}

function streamName(text: string): string {
  if (!v.is(StreamName, text)) throw new Error('--stream is a name of letters, digits, - and _, such as live.');
  return text;
}

/** "80" is the same for all, "20-150" is spread evenly. */
function roundTrips(text: string): readonly [number, number] {
  const [near, far = near] = text.split('-').map((part) => (/^\d+$/.test(part) ? Number(part) : Number.NaN));
  if (text.split('-').length > 2 || !(near !== undefined && far !== undefined && near <= far && far <= MOST_RTT_MS))
    throw new Error(`--rtt is a number of milliseconds up to ${MOST_RTT_MS}, or two of them such as 20-150.`);
  return [near, far];
}

/** "15%" and "0.15" are the same. */
function share(what: string, text: string, most: number): number {
  const value = text.endsWith('%') ? Number(text.slice(0, -1)) / 100 : Number(text);
  if (!(value >= 0 && value <= most) || text === '')
    throw new Error(`${what} is a share from 0 to ${most}, such as 0.15 or, with its sign, 15%.`);
  return value;
}
