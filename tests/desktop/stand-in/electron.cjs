'use strict';
// The part of Electron's main-process API that this app uses, over plain Node and a real Chromium. What is not here throws: nothing
// pretends. What it can't be: Electron's own sandbox, fuses, asar, app:// origin, native menus and dialogs, other systems.
const { fork, spawn, spawnSync } = require('node:child_process');
const { EventEmitter } = require('node:events');
const { existsSync, mkdtempSync, mkdirSync, readFileSync, rmSync } = require('node:fs');
const { createServer } = require('node:net');
const { tmpdir } = require('node:os');
const path = require('node:path');
const { DevTools } = require('./devtools.cjs');
const { WebContents, preventable } = require('./page.cjs');

const boot = globalThis.standInBoot;
const CHROMIUM = process.env.STAND_IN_CHROMIUM ?? '/usr/bin/chromium';
const START_MS = 20_000;
const END_MS = 3_000;
const QUIET = new Set(['then', 'toJSON', 'default', '__esModule']);

/** Unknown members throw instead of being undefined. */
const strict = (name, target) =>
  new Proxy(target, {
    get(of, key) {
      if (typeof key === 'symbol' || key in of || QUIET.has(key) || key.startsWith('_')) {
        const value = Reflect.get(of, key, of);
        return typeof value === 'function' && of instanceof EventEmitter ? value.bind(of) : value;
      }
      throw new Error(`The stand-in has no electron.${name}.${key}.`);
    },
  });

/** What the app asked of the system, for tests to look at. */
const asked = [];
const note = (what, ...args) => void asked.push({ what, args });

const windows = new Set();
const children = new Set();
const world = {
  devTools: null,
  schemes: new Map(),
  handlers: new Map(),
  fail: (why) => process.stderr.write(`[stand-in] ${why}\n`),
};

// ---- app
const events = new EventEmitter();
const switches = new Map();
let becomeReady;
const ready = new Promise((resolve) => (becomeReady = resolve));
let isReady = false;
let isQuitting = false;
let lock = null;
let ownData = null;
const given = (name) => boot.switches.find((word) => word.startsWith(`--${name}=`))?.slice(name.length + 3);
const userData = () => given('user-data-dir') ?? (ownData ??= mkdtempSync(path.join(tmpdir(), 'p2plive-stand-in-')));

Object.assign(events, {
  isPackaged: false,
  commandLine: { appendSwitch: (name, value) => void switches.set(name, value) },
  whenReady: () => ready,
  isReady: () => isReady,
  getAppPath: () => boot.folder,
  getVersion: () => boot.app.version,
  getName: () => boot.app.name,
  getPath(name) {
    if (name !== 'userData') throw new Error(`The stand-in has no path ${name}.`);
    mkdirSync(userData(), { recursive: true });
    return userData();
  },
  enableSandbox: () => note('enableSandbox'),
  setAsDefaultProtocolClient: (scheme) => note('setAsDefaultProtocolClient', scheme),
  requestSingleInstanceLock() {
    mkdirSync(userData(), { recursive: true });
    const at = path.join(userData(), 'instance.sock');
    // Electron answers at once, so somebody else is asked in a process of its own.
    const probe = `require('net').connect(process.argv[1], () => process.exit(0)).on('error', () => process.exit(3))`;
    if (spawnSync(process.execPath, ['-e', probe, at]).status === 0) return false;
    rmSync(at, { force: true });
    lock = createServer((socket) => {
      socket.on('error', () => {});
      events.emit('second-instance', {}, [], '');
    });
    lock.listen(at).unref();
    return true;
  },
  quit() {
    setImmediate(quit);
  },
  exit: (code = 0) => end(code),
});
const app = strict('app', events);

function quit() {
  if (isQuitting) return;
  isQuitting = true;
  const go = (event) => {
    const e = preventable();
    events.emit(event, e);
    isQuitting = !e.defaultPrevented;
    return isQuitting;
  };
  if (!go('before-quit')) return;
  for (const window of windows) window.close();
  if (windows.size > 0) return void (isQuitting = false);
  if (!go('will-quit')) return;
  end(0);
}

// ---- Chromium
let chromium = null;
let profile = null;
let ending = false;

async function startChromium() {
  profile = mkdtempSync(path.join(tmpdir(), 'p2plive-stand-in-chromium-'));
  const args = [
    '--headless=new',
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-extensions',
    '--no-startup-window',
    '--autoplay-policy=no-user-gesture-required',
    `--remote-debugging-port=${given('remote-debugging-port') ?? 0}`,
    `--user-data-dir=${profile}`,
    ...[...switches].map(([name, value]) => (value ? `--${name}=${value}` : `--${name}`)),
  ];
  chromium = spawn(CHROMIUM, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  const url = await new Promise((resolve, reject) => {
    let words = '';
    const limit = setTimeout(() => reject(new Error('Chromium does not start')), START_MS);
    chromium.stderr.on('data', (text) => {
      words = (words + text).slice(-10_000);
      const found = /DevTools listening on (ws:\/\/\S+)/.exec(words);
      if (!found) return;
      clearTimeout(limit);
      resolve(found[1]);
    });
    chromium.on('error', reject);
    chromium.on('exit', (code) => reject(new Error(`Chromium ended with ${code}: ${words.slice(-500)}`)));
  });
  world.devTools = await DevTools.open(url);
  world.devTools.on('closed', () => ending || end(1));
  world.devTools.on('Target.targetDestroyed', ({ targetId }) => {
    for (const window of windows) if (window.webContents.targetId === targetId) window.destroy();
  });
  await world.devTools.send('Target.setDiscoverTargets', { discover: true });
  process.stderr.write(`DevTools listening on ${url}\n`); // Playwright waits for this line
}

async function start() {
  process.stderr.write(`[stand-in] This is not Electron: Node ${process.versions.node} and ${CHROMIUM}.\n`);
  try {
    await startChromium();
  } catch (error) {
    world.fail(error.message);
    return end(1);
  }
  isReady = true;
  becomeReady();
  app.emit('ready', {}, {});
}

function end(code) {
  if (ending) return;
  ending = true;
  for (const child of children) child.kill('SIGKILL');
  lock?.close();
  const done = () => {
    for (const folder of [profile, ownData])
      if (folder) rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    process.exit(code);
  };
  if (!chromium || chromium.exitCode !== null) return done();
  chromium.once('exit', done);
  setTimeout(() => chromium.kill('SIGKILL'), END_MS).unref();
  if (world.devTools) world.devTools.send('Browser.close').catch(() => chromium.kill());
  else chromium.kill();
}
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => app.quit());
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL');
  chromium?.kill('SIGKILL');
});

// ---- windows
class Window extends EventEmitter {
  #gone = false;
  constructor({ width = 800, height = 600, webPreferences = {} }) {
    super();
    if (!isReady) throw new Error('Cannot create BrowserWindow before app is ready');
    this.size = { width, height };
    this.webContents = strict('webContents', new WebContents(world, this, webPreferences));
    windows.add(this);
  }
  static getAllWindows() {
    return [...windows];
  }
  loadURL(url) {
    return this.webContents.loadURL(url);
  }
  show() {
    note('show');
  }
  focus() {
    note('focus');
  }
  restore() {
    note('restore');
  }
  isMinimized() {
    return false;
  }
  isDestroyed() {
    return this.#gone;
  }
  close() {
    if (this.#gone) return;
    const event = preventable();
    this.emit('close', event);
    if (!event.defaultPrevented) this.destroy();
  }
  destroy() {
    if (this.#gone) return;
    this.#gone = true;
    windows.delete(this);
    this.webContents.end();
    this.emit('closed');
    if (windows.size === 0 && !isQuitting && !ending) app.emit('window-all-closed');
  }
}

// ---- the rest
class UtilityProcess extends EventEmitter {
  constructor(file, args, { env, serviceName }) {
    super();
    note('fork', path.basename(file), serviceName);
    const child = fork(file, args, {
      env,
      execArgv: ['--require', path.join(__dirname, 'port.cjs')],
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    children.add(child);
    this.child = child;
    this.stdout = child.stdout;
    this.stderr = child.stderr;
    child.once('close', (code, signal) => {
      children.delete(child);
      this.emit('exit', code ?? (signal ? 15 : 0));
    });
  }
  get pid() {
    return this.child.exitCode === null && this.child.signalCode === null ? this.child.pid : undefined;
  }
  postMessage(data) {
    if (this.child.connected) this.child.send({ data });
  }
  kill() {
    return this.child.kill();
  }
}

class Tray extends EventEmitter {
  constructor(icon) {
    super();
    note('tray', icon.isEmpty());
  }
  setToolTip(text) {
    note('tray tooltip', text);
  }
  setContextMenu(menu) {
    note('tray menu', menu.labels);
  }
  destroy() {
    note('tray gone');
  }
}

const labelsOf = (items) => items.map((item) => item.label ?? item.role ?? item.type);
let menu = null;
const Menu = strict('Menu', {
  buildFromTemplate: (items) => ({ items, labels: labelsOf(items) }),
  setApplicationMenu: (given_) => (menu = given_),
  getApplicationMenu: () => menu,
});

let blockers = 0;
let clip = '';
const permissions = {};

exports.app = app;
exports.BrowserWindow = Window;
exports.Menu = Menu;
exports.Tray = Tray;
exports.ipcMain = strict('ipcMain', {
  handle: (channel, handler) => void world.handlers.set(channel, handler),
  removeHandler: (channel) => void world.handlers.delete(channel),
});
exports.protocol = strict('protocol', {
  registerSchemesAsPrivileged(schemes) {
    if (isReady) throw new Error('protocol.registerSchemesAsPrivileged should be called before app is ready');
    note('schemes', schemes);
  },
  handle: (scheme, handler) => void world.schemes.set(scheme, handler),
});
exports.session = strict('session', {
  defaultSession: strict('session.defaultSession', {
    setPermissionRequestHandler: (handler) => (permissions.request = handler),
    setPermissionCheckHandler: (handler) => (permissions.check = handler),
  }),
});
exports.utilityProcess = strict('utilityProcess', {
  fork: (file, args, options) => new UtilityProcess(file, args, options),
});
exports.shell = strict('shell', { openExternal: async (url) => note('openExternal', url) });
exports.dialog = strict('dialog', {
  showErrorBox: (title, text) => note('error', title, text),
  /** Tests replace it; left alone it takes the safe way out. */
  showMessageBoxSync(options) {
    note('question', options.message);
    return options.cancelId;
  },
});
exports.clipboard = strict('clipboard', { writeText: (text) => (clip = text), readText: () => clip });
exports.nativeImage = strict('nativeImage', {
  createFromPath: (file) => ({ isEmpty: () => !existsSync(file) || readFileSync(file).length === 0 }),
});
exports.powerSaveBlocker = strict('powerSaveBlocker', {
  start(kind) {
    note('stay awake', kind);
    return ++blockers;
  },
  stop: (id) => note('sleep again', id),
});
exports.contextBridge = undefined;
exports.ipcRenderer = undefined;
exports.standIn = { start, asked, permissions };
