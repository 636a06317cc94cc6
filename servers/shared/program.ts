// The least that every program is: it starts, prints one `ready` line, stops on a signal or when its parent goes, and its exit code
// explains why. What the program does is its own business.
import { createLog, type Log } from './log.ts';
import { EXIT, StartError } from './exit-codes.ts';

export interface Running {
  /** Printed as the `ready` event: addresses with their real ports. */
  ready: Record<string, unknown>;
  /** Ends everything the program started. Called once. */
  close(): Promise<void>;
}

/** Longest that a clean end may take before the process ends anyway. */
const CLOSE_LIMIT_MS = 3_000;

/** One JSON line on stdout. */
export function emit(event: string, fields: Record<string, unknown> = {}): void {
  process.stdout.write(`${JSON.stringify({ event, ...fields })}\n`);
}

/** How a program speaks to whoever started it; by default in JSON lines. */
export interface Voice {
  log?: Log;
  ready?: (fields: Record<string, unknown>) => void;
  failed?: (error: StartError) => void;
}

/** Runs a program until it is told to stop; never returns normally. */
export async function runProgram(
  name: string,
  start: (log: Log) => Promise<Running>,
  voice: Voice = {},
): Promise<void> {
  const log = voice.log ?? createLog(name);
  const ready = voice.ready ?? ((fields) => emit('ready', fields));
  const failed = voice.failed ?? ((error) => emit('failed', { code: error.code, detail: error.message }));
  let running: Running | null = null;
  let closing = false;
  const stop = async (why: string): Promise<void> => {
    if (closing) return;
    closing = true;
    log.info({ why }, 'stopping');
    setTimeout(() => process.exit(EXIT.ok), CLOSE_LIMIT_MS).unref();
    try {
      await running?.close();
      process.exit(EXIT.ok);
    } catch (error) {
      log.error({ err: error }, 'did not close cleanly');
      process.exit(EXIT.died);
    }
  };
  process.on('SIGTERM', () => void stop('SIGTERM'));
  // Ctrl-C reaches a whole group. Who has a parent leaves it the order of ending: fellows that end at random miss each other aloud.
  process.on('SIGINT', () => process.env['P2PLIVE_PARENT'] === 'stdin' || void stop('SIGINT'));
  // A parent that starts us with this set keeps our stdin open: its end means the parent is gone, killed or not.
  if (process.env['P2PLIVE_PARENT'] === 'stdin') {
    process.stdin.on('end', () => void stop('the parent is gone'));
    process.stdin.on('error', () => void stop('the parent is gone'));
    process.stdin.resume();
    process.stdout.on('error', () => {}); // its end of the pipe is gone too
    process.stderr.on('error', () => {});
  }
  // In the desktop app a message asks us to stop.
  const { parentPort } = process as {
    parentPort?: { on(event: 'message', hear: (message: { data: unknown }) => void): void };
  };
  parentPort?.on('message', ({ data }) => {
    if (data === 'stop') void stop('asked to');
  });
  try {
    running = await start(log);
    ready(running.ready);
    if (closing) await running.close();
  } catch (error) {
    if (error instanceof StartError) {
      failed(error);
      process.stderr.write(`${error.message}\n`);
      process.exit(error.code);
    }
    throw error; // a bug ends the program
  }
}
