// How each program of a system is started: its settings with the addresses of its fellows and the ports it had. Pure; when they are
// started, and with which settings, is programs.ts.
import * as v from 'valibot';
import { hostInUrl } from '../shared/http.ts';
import { CoordinateReady, ForwardReady, TrackerReady } from '../shared/ready.ts';
import { TRACKER_HERE } from '../shared/settings-mesh.ts';
import { passOn, withoutSettings, type Settings } from '../shared/settings.ts';
import type { LaunchSpec } from './launch.ts';
import type { ReadyFields } from './supervise.ts';

export interface ProgramSettings {
  up: Settings<'up'>;
  coordinate: Settings<'coordinate'>;
  tracker: Settings<'tracker'>;
  forward: Settings<'forward'>;
}

/** Addresses by which the programs of one system reach each other. */
export interface Inner {
  coordinate: string;
  tracker: string;
}

/** The names of the programs that these settings ask for: coordinate, tracker, forward, forward-2, ... */
export const programNames = ({ up }: ProgramSettings): string[] => [
  'coordinate',
  'tracker',
  ...Array.from({ length: up.forwardCount }, (_, i) => (i === 0 ? 'forward' : `forward-${i + 1}`)),
];

/**
 * The command line and environment of one program.
 * @param before its last ready line: a restarted program gets the ports it had where they are free to choose
 */
export function specOf(name: string, settings: ProgramSettings, inner: Inner, before: ReadyFields | null): LaunchSpec {
  if (name === 'coordinate') return coordinateSpec(settings, before);
  if (name === 'tracker') return trackerSpec(settings, inner, before);
  return forwardSpec(name, settings, inner, before);
}

/** The addresses as far as fixed ports tell them; the others stay as they were. */
export function innerOf({ coordinate, tracker }: ProgramSettings, before: Inner | null): Inner {
  return {
    coordinate: before && coordinate.port === 0 ? before.coordinate : innerAt(coordinate.host, coordinate.port),
    tracker: before && tracker.port === 0 ? before.tracker : innerAt(tracker.host, tracker.port),
  };
}

const WILDCARDS = ['0.0.0.0', '::', ''];
/** How programs on this machine reach one bound to `host`. */
export const innerAt = (host: string, port: number): string =>
  `http://${WILDCARDS.includes(host) ? '127.0.0.1' : hostInUrl(host)}:${port}`;

function coordinateSpec({ coordinate }: ProgramSettings, before: ReadyFields | null): LaunchSpec {
  const port = before && coordinate.port === 0 ? v.parse(CoordinateReady, before).port : coordinate.port;
  return spec('coordinate', passOn('coordinate', { ...coordinate, port }));
}

function trackerSpec({ tracker }: ProgramSettings, inner: Inner, before: ReadyFields | null): LaunchSpec {
  const known = before ? v.parse(TrackerReady, before) : null;
  const port = tracker.port === 0 && known ? known.port : tracker.port;
  const stunPort = tracker.stunPort === 0 ? (known?.stunPort ?? 0) : tracker.stunPort;
  return spec('tracker', passOn('tracker', { ...tracker, port, stunPort, coordinate: inner.coordinate }));
}

function forwardSpec(name: string, { forward }: ProgramSettings, inner: Inner, before: ReadyFields | null): LaunchSpec {
  const own =
    name === 'forward' ? { pushPort: forward.pushPort, pullPort: forward.pullPort } : { pushPort: 0, pullPort: 0 };
  const known = before ? v.parse(ForwardReady, before) : null;
  const ports = {
    pushPort: own.pushPort === 0 && known ? known.pushPort : own.pushPort,
    pullPort: own.pullPort === 0 && known ? known.pullPort : own.pullPort,
  };
  const others = forward.trackers.filter((tracker) => tracker !== TRACKER_HERE);
  const trackers = [...new Set([inner.tracker, ...others])];
  return spec('forward', passOn('forward', { ...forward, ...ports, trackers }));
}

const spec = (program: string, { args, env }: { args: string[]; env: Record<string, string> }): LaunchSpec => ({
  program,
  args,
  env: { ...withoutSettings(process.env), ...env },
});
