// The console's window: hardened, kept on our own page, brought back when its renderer dies.
import path from 'node:path';
import { app, BrowserWindow, session, shell } from 'electron';
import { ORIGIN } from './names.ts';

/** A renderer that dies more often than this in a minute stays closed. */
const MOST_CRASHES = 3;
const MINUTE_MS = 60_000;

/**
 * What our page may ask the system for: to reach the servers on this machine and network, and little else. Cameras are opened by ffmpeg,
 * not by the page.
 */
const ALLOWED = new Set([
  'fullscreen',
  'clipboard-sanitized-write',
  'local-network-access',
  'local-network',
  'loopback-network',
]);

export function hardenSession(): void {
  session.defaultSession.setPermissionRequestHandler((_contents, permission, answer) =>
    answer(ALLOWED.has(permission)),
  );
  session.defaultSession.setPermissionCheckHandler((_contents, permission) => ALLOWED.has(permission));
}

export interface WindowEvents {
  /** Another document stands in the window, first or after a reload. */
  navigated(page: number): void;
  loaded(): void;
  /** false keeps it open. */
  mayClose(): boolean;
  closed(): void;
}

export function openWindow(events: WindowEvents): BrowserWindow {
  const window = new BrowserWindow({
    width: 1_280,
    height: 820,
    minWidth: 720,
    minHeight: 480,
    show: false,
    title: 'P2PLive',
    backgroundColor: '#12161c',
    webPreferences: {
      preload: path.join(app.getAppPath(), 'out/electron/preload.cjs'),
      sandbox: true,
      contextIsolation: true,
      nodeIntegration: false,
      webSecurity: true,
      spellcheck: false,
    },
  });
  const page = window.webContents;
  const crashes: number[] = [];
  page.on('did-navigate', () => events.navigated(page.id));
  page.on('did-finish-load', () => events.loaded());
  page.on('will-navigate', (event) => {
    if (!event.url.startsWith(`${ORIGIN}/`)) event.preventDefault();
  });
  page.setWindowOpenHandler(({ url }) => {
    if (/^https?:\/\//.test(url)) void shell.openExternal(url);
    return { action: 'deny' };
  });
  page.on('render-process-gone', (_event, { reason }) => {
    if (reason === 'clean-exit' || window.isDestroyed()) return;
    const nowMs = Date.now();
    crashes.push(nowMs);
    if (crashes.filter((atMs) => nowMs - atMs < MINUTE_MS).length <= MOST_CRASHES) page.reload();
  });
  window.once('ready-to-show', () => window.show());
  window.on('close', (event) => {
    if (!events.mayClose()) event.preventDefault();
  });
  window.once('closed', () => events.closed());
  void window.loadURL(`${ORIGIN}/index.html`);
  return window;
}
