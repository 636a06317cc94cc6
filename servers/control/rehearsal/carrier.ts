// What carries a synthetic audience: the plane asks for one and hears it as a child program, whether that is a program of plain Node or a
// hidden window of the desktop app.
import { AUDIENCE_BOUNDS, type AudienceAsk, type AudienceLimits } from '../../../protocol/rehearsal.ts';
import type { Child, Launch } from '../launch.ts';

export interface AudienceTarget {
  coordinate: string;
  stream: string;
  debugToken: string | undefined;
}

export interface AudienceCarrier {
  /** Told to the person before they ask; more viewers are refused. */
  readonly limits: AudienceLimits;
  /**
   * Brings the audience. It tells what it sees as the lines that audience-run.ts knows, one JSON object each on stdout, takes orders as
   * lines, ends with a verdict when asked to stop, and explains on stderr why it could not.
   */
  start(ask: AudienceAsk, target: AudienceTarget): Child;
}

/** As a program of plain Node, whose peers are real ones over wrtc. */
export function programAudience(launch: Launch): AudienceCarrier {
  return {
    limits: {
      viewers: AUDIENCE_BOUNDS.viewers[1],
      says: 'They run in a program beside the servers; about fifty are what two processor cores carry.',
    },
    start({ viewers, uplink, churnPerMinute, loss, evil, seed, seconds }, { coordinate, stream, debugToken }) {
      const args = { viewers, uplink, churn: churnPerMinute, loss, evil, seed, seconds, coordinate, stream };
      const { PATH = '', HOME = '' } = process.env;
      const token = debugToken === undefined ? {} : { P2PLIVE_DEBUG_TOKEN: debugToken };
      return launch({
        program: 'audience',
        args: [...Object.entries(args).map(([key, value]) => `--${key}=${value}`), '--json', '--obey'],
        env: { PATH, HOME, ...token },
      });
    },
  };
}
