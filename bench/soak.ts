// Do tracker and forward stay as they are, however many come and go, and however long they stay? Memory after a collection, handles, open
// files and CPU over time. `npm run bench -- soak [--sessions 40000]`; `npm run bench -- soak peers [--count 20] [--minutes 30]`.
import { parseArgs } from 'node:util';
import { soakPeers, soakSessions, type Part } from '../tests/support/soak/soak-run.ts';

const PARTS = 40;
const ROWS = 11;
const mb = (bytes: number): number => Math.round(bytes / 1e5) / 10;

export async function soak(given: readonly string[]): Promise<unknown> {
  const text = { type: 'string' } as const;
  const { values, positionals } = parseArgs({
    args: [...given],
    allowPositionals: true,
    options: { sessions: text, count: text, minutes: text, json: { type: 'boolean' } },
  });
  const ofPeers = positionals[0] === 'peers';
  const sessions = Number(values.sessions ?? 40_000);
  const each = Math.ceil(sessions / PARTS);
  const say = (part: Part): void =>
    console.error(`${part.at} ${ofPeers ? 'min' : 'sessions'}: ${part.good} good, ${part.seconds.toFixed(1)} s`);
  const { parts, trends } = ofPeers
    ? await soakPeers(Number(values.count ?? 20), Number(values.minutes ?? 30), say)
    : await soakSessions(sessions, each, say);
  const step = Math.max(1, Math.floor((parts.length - 1) / (ROWS - 1)));
  const rows = parts
    .map((part, i) => {
      const columns: Record<string, number> = { [ofPeers ? 'minutes' : 'sessions']: part.at, good: part.good };
      for (const [name, weight] of Object.entries(part.weights)) {
        columns[`${name} heap MB`] = mb(weight.heapUsed + weight.external);
        columns[`${name} RSS MB`] = mb(weight.rss);
        columns[`${name} handles`] = weight.handles;
        columns[`${name} fds`] = weight.fds;
        const spent = weight.cpuMs - (parts[i - 1]?.weights[name]?.cpuMs ?? weight.cpuMs);
        columns[ofPeers ? `${name} CPU ms/min` : `${name} CPU ms/1000`] = Math.round(
          ofPeers ? spent : (spent * 1_000) / each,
        );
      }
      return columns;
    })
    .filter((_row, i) => i % step === 0 || i === parts.length - 1);
  console.table(rows);
  console.table(trends);
  const flat = Object.values(trends).every((trend) => trend.isFlat);
  console.error(flat ? 'flat' : 'not flat');
  return { verdict: flat ? 'flat' : 'not flat', rows, trends };
}
