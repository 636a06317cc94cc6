// The desktop app: the same control plane as headless, its programs as utility processes, the console in a window. Thin on purpose; what
// the console can do is servers/control.
import { networkInterfaces } from 'node:os';
import path from 'node:path';
import { app, clipboard, dialog, type BrowserWindow } from 'electron';
import type { PlaneState } from '../protocol/control.ts';
import { Plane } from '../servers/control/plane.ts';
import { StartError } from '../servers/shared/exit-codes.ts';
import { createLog } from '../servers/shared/log.ts';
import { sourcesOf } from '../servers/shared/settings.ts';
import { parseFlags } from '../servers/shared/settings-flags.ts';
import { windowAudience } from './audience-window.ts';
import { Chrome } from './chrome.ts';
import { ConsoleIpc } from './ipc.ts';
import { launchUtility } from './launch-utility.ts';
import { registerScheme, servePage } from './page.ts';
import { checkForUpdates } from './updates.ts';
import { hardenSession, openWindow } from './window.ts';

const LINK = 'p2plive';
const log = createLog('desktop', process.env['P2PLIVE_LOG_LEVEL'] ?? 'warn');

class Desktop {
  readonly #plane: Plane;
  readonly #ipc: ConsoleIpc;
  readonly #chrome: Chrome;
  #window: BrowserWindow | null = null;
  #state: PlaneState | null = null;
  #closing: Promise<void> | null = null;
  #hasEnded = false;
  /** The person has said that the broadcast may end. */
  #mayEnd = false;

  constructor() {
    const root = app.getAppPath();
    const flags = new Map(parseFlags(['up', 'coordinate', 'tracker', 'forward'], ownArguments()));
    if (!flags.has('data-dir')) flags.set('data-dir', path.join(app.getPath('userData'), 'p2plive'));
    this.#plane = new Plane({
      launch: launchUtility(path.join(root, 'out')),
      audience: windowAudience(),
      sources: sourcesOf(flags, process.env),
      makesStreamKey: true,
      log,
      onChange: (state) => this.#changed(state),
    });
    this.#ipc = new ConsoleIpc(this.#plane);
    this.#chrome = new Chrome({
      show: () => this.show(),
      copyLink: () => clipboard.writeText(this.#plane.getState().link ?? ''),
      goLive: () => void this.#plane.call('goLive', undefined),
      stopLive: () => void this.#plane.call('stopLive', undefined),
      quit: () => app.quit(),
    });
  }

  async start(): Promise<void> {
    hardenSession();
    servePage(path.join(app.getAppPath(), 'out/renderer'));
    this.#chrome.start();
    this.show();
    try {
      await this.#plane.start();
    } catch (error) {
      if (this.#closing) return; // it ended before it had begun
      if (!(error instanceof StartError)) throw error;
      // The window stays: it shows which program refused, and why.
      dialog.showErrorBox('P2PLive could not start its servers', error.message);
    }
    checkForUpdates(log);
  }

  show(): void {
    if (this.#window && !this.#window.isDestroyed()) {
      if (this.#window.isMinimized()) this.#window.restore();
      this.#window.show();
      return this.#window.focus();
    }
    this.#window = openWindow({
      navigated: (page) => this.#ipc.forget(page),
      loaded: () => process.stdout.write(`${JSON.stringify({ event: 'desktop-ready' })}\n`),
      mayClose: () => this.mayEnd(),
      // Hidden windows may still be open: they keep nobody here.
      closed: () => app.quit(),
    });
  }

  /** Asks once when viewers would lose their picture. */
  mayEnd(): boolean {
    if (this.#closing || this.#mayEnd || !this.#isLive()) return true;
    const choice = dialog.showMessageBoxSync({
      type: 'question',
      message: 'You are live. End the broadcast and quit?',
      detail: 'Your viewers will see that the broadcast has ended.',
      buttons: ['Stay live', 'End and quit'],
      defaultId: 0,
      cancelId: 0,
    });
    if (choice !== 1) return false;
    this.#mayEnd = true;
    void this.#plane.call('stopLive', undefined);
    return true;
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  get isEnding(): boolean {
    return this.#closing !== null;
  }

  close(): Promise<void> {
    this.#closing ??= this.#end();
    return this.#closing;
  }

  async #end(): Promise<void> {
    this.#chrome.close();
    this.#ipc.close();
    await this.#plane.close();
    this.#hasEnded = true;
  }

  #isLive(): boolean {
    const is = this.#state?.capture.state.is;
    return is === 'live' || is === 'reconnecting';
  }

  #changed(state: PlaneState): void {
    this.#state = state;
    if (!this.#closing) this.#chrome.setLive(this.#isLive());
  }
}

/** What follows our own name, without Chromium's and Playwright's switches. */
function ownArguments(): string[] {
  const known = [
    '--coordinate-port',
    '--tracker-port',
    '--push-port',
    '--pull-port',
    '--data-dir',
    '--config',
    '--ffmpeg',
  ];
  const kept: string[] = [];
  for (const [i, word] of process.argv.entries()) {
    const [name = ''] = word.split('=');
    if (!known.includes(name)) continue;
    kept.push(word);
    const next = process.argv[i + 1];
    if (!word.includes('=') && next !== undefined) kept.push(next);
  }
  return kept;
}

const hasNetwork = (): boolean =>
  Object.values(networkInterfaces())
    .flat()
    .some((one) => one && !one.internal);

function run(): void {
  if (!app.requestSingleInstanceLock()) return app.quit();
  registerScheme();
  app.enableSandbox();
  // Windows show our own pages only. The monitor plays from a server on this machine: no question to a person. The viewers of a rehearsal are
  // all in one page: their addresses need not be hidden from each other behind names that a busy network may not answer for.
  app.commandLine.appendSwitch('disable-features', 'LocalNetworkAccessChecks,WebRtcHideLocalIpsWithMdns');
  // Without another network Chromium would gather no candidates, and the viewers of a rehearsal would never meet.
  if (!hasNetwork()) app.commandLine.appendSwitch('allow-loopback-in-peer-connection');
  app.setAsDefaultProtocolClient(LINK);
  let desktop: Desktop | null = null;
  app.on('second-instance', () => desktop?.show());
  app.on('open-url', (event) => {
    event.preventDefault();
    desktop?.show();
  });
  app.on('activate', () => desktop?.show());
  app.on('window-all-closed', () => app.quit());
  app.on('before-quit', (event) => {
    if (desktop && !desktop.mayEnd()) event.preventDefault();
  });
  app.on('will-quit', (event) => {
    if (!desktop || desktop.hasEnded) return;
    event.preventDefault();
    if (!desktop.isEnding) void desktop.close().finally(() => app.quit());
  });
  void app.whenReady().then(async () => {
    try {
      desktop = new Desktop();
      await desktop.start();
    } catch (error) {
      if (!(error instanceof StartError)) throw error;
      dialog.showErrorBox('P2PLive can not start', error.message);
      app.exit(error.code);
    }
  });
}

run();
