// A whole system as real programs, weighed again and again: under short sessions, or under peers that stay.
import { descendantsOf } from '../processes.ts';
import { startCli, startLiveStack, type Stack } from '../stack.ts';
import { until } from '../until.ts';
import { SECRET, shortSessions } from './short-sessions.ts';
import { trendOf, Weights, type Trend, type Weight } from './weights.ts';

const AT_ONCE = 60;

export interface Part {
  /** Sessions or minutes since the begin. */
  at: number;
  good: number;
  seconds: number;
  weights: Record<string, Weight>;
}

export interface SoakResult {
  parts: Part[];
  trends: Record<string, Trend>;
}

const JSON_PLEASE = { headers: { accept: 'application/json' } };

async function viewersAt(stack: Stack): Promise<number> {
  const answer = (await (await fetch(`${stack.ready.tracker}/debug`, JSON_PLEASE)).json()) as {
    streams: { viewers: unknown[] }[];
  };
  return answer.streams.reduce((sum, stream) => sum + stream.viewers.length, 0);
}

/** @returns the forward's open sessions */
async function pullersAt(stack: Stack): Promise<number> {
  const load = (stack.ready.forwards[0]?.debug ?? '').replace(/\/debug$/, '/load');
  return ((await (await fetch(load, JSON_PLEASE)).json()) as { sessions: number }).sessions;
}

async function started(env: Record<string, string>): Promise<{ stack: Stack; pids: Record<string, number> }> {
  const stack = await startLiveStack(['--mesh-secret', SECRET], env);
  const pids: Record<string, number> = {};
  for (const name of ['tracker', 'forward']) {
    const found = descendantsOf(stack.process.pid).find(({ command }) => command.includes(`${name}.js`));
    if (!found) throw new Error(`no ${name} runs below ${stack.process.pid}`);
    pids[name] = found.pid;
  }
  return { stack, pids };
}

async function weighed(weights: Weights, pids: Record<string, number>): Promise<Record<string, Weight>> {
  const all: Record<string, Weight> = {};
  for (const [name, pid] of Object.entries(pids)) all[name] = await weights.of(pid);
  return all;
}

const trends = (parts: readonly Part[]): Record<string, Trend> =>
  Object.fromEntries(
    Object.keys(parts[0]?.weights ?? {}).map((name) => [
      name,
      trendOf(parts.flatMap((part) => part.weights[name] ?? [])),
    ]),
  );

/** @param told called after every part */
export async function soakSessions(sessions: number, each: number, told?: (part: Part) => void): Promise<SoakResult> {
  const weights = new Weights();
  const { stack, pids } = await started(weights.env);
  try {
    const resource = `${stack.ready.tracker.replace('http', 'ws')}/resource`;
    const parts: Part[] = [{ at: 0, good: 0, seconds: 0, weights: await weighed(weights, pids) }];
    for (let at = each; at <= sessions; at += each) {
      const beganMs = performance.now();
      const good = await shortSessions(resource, each, AT_ONCE);
      const seconds = (performance.now() - beganMs) / 1_000;
      await until('everybody to be gone', async () => (await viewersAt(stack)) + (await pullersAt(stack)) === 0);
      const part = { at, good, seconds, weights: await weighed(weights, pids) };
      parts.push(part);
      told?.(part);
    }
    return { parts, trends: trends(parts) };
  } finally {
    await stack.stop();
    weights.close();
  }
}

export async function soakPeers(count: number, minutes: number, told?: (part: Part) => void): Promise<SoakResult> {
  const weights = new Weights();
  const { stack, pids } = await started(weights.env);
  const peers = startCli(['peer', '--coordinate', stack.ready.coordinate, '--count', String(count)], weights.env);
  try {
    const playing = (): number =>
      new Set(
        peers
          .stdout()
          .slice(-40_000)
          .split('\n')
          .filter((line) => line.startsWith('{') && line.includes('"state":"playing"'))
          .map((line) => /"id":"([^"]+)"/.exec(line)?.[1]),
      ).size;
    await until('all to play', () => playing() >= count, { withinMs: 120_000, describe: () => peers.stderr() });
    const parts: Part[] = [];
    const beganMs = performance.now();
    for (let at = 0; at <= minutes; at++) {
      const endMs = beganMs + at * 60_000;
      await until('the next minute', () => performance.now() >= endMs, { withinMs: 90_000 });
      const part = { at, good: playing(), seconds: 60, weights: await weighed(weights, { ...pids, peers: peers.pid }) };
      parts.push(part);
      told?.(part);
    }
    return { parts, trends: trends(parts) };
  } finally {
    await peers.stop();
    await stack.stop();
    weights.close();
  }
}
