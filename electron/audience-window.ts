// A synthetic audience in the desktop app: real peers of Chromium, all in the page of one window that nobody sees. The library behind the
// peers of plain Node ends the process inside Electron. To the plane it is a child like any other (servers/control/rehearsal/carrier.ts).
import path from 'node:path';
import { PassThrough } from 'node:stream';
import { finished } from 'node:stream/promises';
import { app, BrowserWindow } from 'electron';
import type { AudienceStart } from '../protocol/rehearsal.ts';
import type { Child } from '../servers/control/launch.ts';
import type { AudienceCarrier } from '../servers/control/rehearsal/carrier.ts';
import { localPatience } from '../servers/shared/awake.ts';
import { isOurs } from './ipc.ts';
import { AUDIENCE, AUDIENCE_PAGE } from './names.ts';

/** As many as the console proposes. 40 in one page were all late together on two busy cores. */
const MOST_VIEWERS = 20;
const BEGINS_WITHIN_MS = 20_000;
const ANSWER_WITHIN_MS = 3_000;
const MOST_ANSWER_CHARS = 4 * 1024 * 1024;
const EXIT = { ended: 0, failed: 1 } as const;

export function windowAudience(): AudienceCarrier {
  return {
    limits: {
      viewers: MOST_VIEWERS,
      says:
        `They share one hidden window of this app, at most ${MOST_VIEWERS} of them: its page is the work of one processor core, ` +
        'and when that is full all are late together. Narrow uplinks and losses are made inside the page, not on the wire.',
    },
    start: (ask, { coordinate, stream, debugToken }) => new AudienceWindow({ ...ask, coordinate, stream }, debugToken),
  };
}

class AudienceWindow implements Child {
  readonly pid = undefined;
  readonly stdout = new PassThrough();
  readonly stderr = new PassThrough();
  readonly #window: BrowserWindow;
  readonly #late: () => void;
  #hasBegun = false;
  #exit: { code: number | null; signal: string | null } | null = null;

  constructor(start: AudienceStart, debugToken: string | undefined) {
    this.#window = new BrowserWindow({
      show: false,
      width: 320,
      height: 240,
      title: 'P2PLive audience',
      webPreferences: {
        preload: path.join(app.getAppPath(), 'out/electron/audience-preload.cjs'),
        sandbox: true,
        contextIsolation: true,
        nodeIntegration: false,
        webSecurity: true,
        spellcheck: false,
        // Nobody sees it, and its timers must run all the same.
        backgroundThrottling: false,
      },
    });
    const page = this.#window.webContents;
    const answer = (channel: string, to: (given: unknown) => unknown): void =>
      page.ipc.handle(channel, (event, given: unknown) => (isOurs(event) ? to(given) : undefined));
    answer(AUDIENCE.start, () => {
      this.#hasBegun = true;
      this.#late();
      return start;
    });
    answer(AUDIENCE.tell, (line) => void this.stdout.write(`${String(line)}\n`));
    answer(AUDIENCE.read, (url) => readPage(String(url), debugToken));
    answer(AUDIENCE.ended, (problem) => (typeof problem === 'string' ? this.#fail(problem) : this.#end(EXIT.ended)));
    page.on('will-navigate', (event) => event.preventDefault());
    page.setWindowOpenHandler(() => ({ action: 'deny' }));
    page.on('render-process-gone', (_event, { reason }) =>
      this.#fail(`The hidden window that carried the audience has ended (${reason}).`),
    );
    // The app quits, or the system has closed it.
    this.#window.on('closed', () => this.#end(null, 'closed'));
    this.#late = localPatience(BEGINS_WITHIN_MS, () =>
      this.#fail('The hidden window for the audience has not begun in time.'),
    );
    this.#window
      .loadURL(AUDIENCE_PAGE)
      .catch((error: unknown) => this.#fail(`The hidden window for the audience can not open: ${String(error)}`));
  }

  onExit(done: (code: number | null, signal: string | null) => void): void {
    void this.#tellExit(done);
  }

  say(line: string): void {
    this.#send(AUDIENCE.order, line);
  }

  stop(): void {
    if (this.#hasBegun) this.#send(AUDIENCE.stop);
    else this.#end(EXIT.ended);
  }

  kill(): void {
    this.#end(null, 'SIGKILL');
  }

  /** After the last line was read. */
  async #tellExit(done: (code: number | null, signal: string | null) => void): Promise<void> {
    await Promise.allSettled([finished(this.stdout), finished(this.stderr)]);
    done(this.#exit?.code ?? null, this.#exit?.signal ?? null);
  }

  #send(channel: string, ...words: string[]): void {
    if (!this.#window.isDestroyed()) this.#window.webContents.send(channel, ...words);
  }

  #fail(sentence: string): void {
    if (this.#exit === null) this.stderr.write(`${sentence}\n`);
    this.#end(EXIT.failed);
  }

  #end(code: number | null, signal: string | null = null): void {
    if (this.#exit !== null) return;
    this.#exit = { code, signal };
    this.#late();
    this.stdout.end();
    this.stderr.end();
    if (!this.#window.isDestroyed()) this.#window.destroy();
  }
}

/** A server's debug page, with the token that the audience's own page never sees. @throws when it is closed to us */
async function readPage(url: string, debugToken: string | undefined): Promise<string> {
  if (!/^https?:/.test(url)) throw new Error('Only servers are read.');
  const headers = {
    accept: 'application/json',
    ...(debugToken === undefined ? {} : { authorization: `Bearer ${debugToken}` }),
  };
  const answer = await fetch(url, { headers, signal: AbortSignal.timeout(ANSWER_WITHIN_MS) });
  if (!answer.ok) throw new Error(`${url} answers ${answer.status}`);
  const text = await answer.text();
  if (text.length > MOST_ANSWER_CHARS) throw new Error(`${url} answers too much`);
  return text;
}
