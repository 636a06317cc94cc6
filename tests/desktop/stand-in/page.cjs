'use strict';
// A window's web contents: a page of the real Chromium, steered by DevTools. Custom schemes are served under *.stand-in.localhost.
const { EventEmitter } = require('node:events');
const { readFileSync } = require('node:fs');
const { randomBytes } = require('node:crypto');
const { isolatedWorldText, ownWorldText } = require('./worlds.cjs');
const { values } = require('./values.cjs');

const WORLD = 'Electron Isolated Context (stand-in)';
const { pack, unpack } = values();

/** app://console/x <-> http://console.app.stand-in.localhost/x */
const toHttp = (url, schemes) => {
  const [, scheme, host, rest] = /^([a-z][a-z0-9]*):\/\/([^/?#]*)(.*)$/.exec(url) ?? [];
  return schemes.has(scheme) ? `http://${host}.${scheme}.stand-in.localhost${rest || '/'}` : url;
};
const toReal = (url) => url.replace(/^http:\/\/([^/?#]*)\.([a-z0-9]+)\.stand-in\.localhost/, '$2://$1');

const preventable = (fields = {}) => ({
  ...fields,
  defaultPrevented: false,
  preventDefault() {
    this.defaultPrevented = true;
  },
});

let serial = 0;

class WebContents extends EventEmitter {
  #context = null;
  #frame;
  #session;
  #binding = `standIn${randomBytes(6).toString('hex')}`;
  #url = '';
  #ours = true;
  #openHandler = () => ({ action: 'allow' });
  #dead = false;
  /** As Electron does, its own are asked before the app's. */
  #handlers = new Map();

  constructor(world, window, { preload, sandbox, contextIsolation, nodeIntegration }) {
    super();
    if (sandbox === false || contextIsolation === false || nodeIntegration === true)
      throw new Error('The stand-in runs only sandboxed, isolated pages without Node.');
    this.id = ++serial;
    this.world = world;
    this.ipc = {
      handle: (channel, handler) => void this.#handlers.set(channel, handler),
    };
    this.window = window;
    this.mainFrame = {
      parent: null,
      get url() {
        return toReal(window.webContents.rawUrl);
      },
    };
    this.ready = this.#create(preload);
    this.ready.catch((error) => this.#dead || world.fail(`a window failed: ${error.message}`));
  }

  get rawUrl() {
    return this.#url;
  }

  async #create(preload) {
    const { devTools } = this.world;
    const { width, height } = this.window.size;
    const { targetId } = await devTools.send('Target.createTarget', {
      url: 'about:blank',
      newWindow: true,
      width,
      height,
    });
    this.targetId = targetId;
    const { sessionId } = await devTools.send('Target.attachToTarget', { targetId, flatten: true });
    const session = (this.#session = devTools.session(sessionId));
    this.#watch(session);
    await session.send('Page.enable');
    this.#frame = (await session.send('Page.getFrameTree')).frameTree.frame.id;
    await session.send('Runtime.enable');
    await session.send('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: 1, mobile: false });
    await session.send('Fetch.enable', {
      patterns: [{ urlPattern: '*.stand-in.localhost/*' }, { resourceType: 'Document' }],
    });
    if (!preload) return;
    const secret = randomBytes(8).toString('hex');
    await session.send('Runtime.addBinding', { name: this.#binding, executionContextName: WORLD });
    const add = (source, worldName) =>
      session.send('Page.addScriptToEvaluateOnNewDocument', { source, ...(worldName ? { worldName } : {}) });
    await add(ownWorldText(secret));
    await add(isolatedWorldText(secret, this.#binding, readFileSync(preload, 'utf8')), WORLD);
  }

  #watch(session) {
    session.on('Runtime.executionContextCreated', ({ context }) => {
      if (context.name === WORLD && context.auxData?.frameId === this.#frame) this.#context = context.id;
    });
    session.on('Runtime.executionContextsCleared', () => (this.#context = null));
    session.on('Runtime.bindingCalled', ({ name, payload }) => {
      if (name === this.#binding) void this.#called(JSON.parse(payload));
    });
    session.on('Page.frameNavigated', ({ frame }) => {
      if (frame.parentId) return;
      this.#url = frame.url;
      this.emit('did-navigate', {}, toReal(frame.url));
    });
    session.on('Page.loadEventFired', () => {
      this.emit('did-finish-load');
      this.window.emit('ready-to-show');
    });
    session.on('Inspector.targetCrashed', () =>
      this.emit('render-process-gone', {}, { reason: 'crashed', exitCode: 5 }),
    );
    session.on('Fetch.requestPaused', (paused) => {
      this.#request(paused).catch(() =>
        session.send('Fetch.failRequest', { requestId: paused.requestId, errorReason: 'Failed' }).catch(() => {}),
      );
    });
  }

  async #request({ requestId, request, resourceType, frameId }) {
    const real = toReal(request.url);
    if (resourceType === 'Document' && frameId === this.#frame) {
      const event = preventable({ url: real });
      if (!this.#ours) this.emit('will-navigate', event);
      this.#ours = false;
      if (event.defaultPrevented) return this.#session.send('Fetch.failRequest', { requestId, errorReason: 'Aborted' });
    }
    const handler = real === request.url ? undefined : this.world.schemes.get(real.slice(0, real.indexOf(':')));
    if (!handler) return this.#session.send('Fetch.continueRequest', { requestId });
    const answer = await handler(new Request(real, { method: request.method, headers: request.headers }));
    return this.#session.send('Fetch.fulfillRequest', {
      requestId,
      responseCode: answer.status,
      responseHeaders: [...answer.headers].map(([name, value]) => ({ name, value })),
      body: Buffer.from(await answer.arrayBuffer()).toString('base64'),
    });
  }

  async #called({ id, channel, args, open }) {
    if (open !== undefined) return this.#openHandler({ url: toReal(open) });
    const handler = this.#handlers.get(channel) ?? this.world.handlers.get(channel);
    const event = { sender: this, senderFrame: this.mainFrame, processId: 1, frameId: 1 };
    try {
      if (!handler) throw new Error(`No handler registered for '${channel}'`);
      this.#hear({ what: 'answer', id, ok: true, value: pack(await handler(event, ...unpack(args))) });
    } catch (error) {
      this.#hear({ what: 'answer', id, ok: false, value: String(error) });
    }
  }

  #hear(message) {
    if (this.#dead || this.#context === null) return;
    const expression = `globalThis[${JSON.stringify(`${this.#binding}Hear`)}](${JSON.stringify(message)})`;
    this.#session.send('Runtime.evaluate', { contextId: this.#context, expression }).catch(() => {});
  }

  send(channel, ...args) {
    this.#hear({ what: 'event', channel, args: pack(args) });
  }

  async loadURL(url) {
    await this.ready;
    this.#ours = true;
    this.#url = toHttp(url, this.world.schemes);
    const { errorText } = await this.#session.send('Page.navigate', { url: this.#url });
    if (errorText) throw new Error(`${errorText} loading '${url}'`);
  }

  reload() {
    this.#ours = true;
    void this.loadURL(toReal(this.#url)).catch((error) => this.world.fail(error.message));
  }

  getURL() {
    return toReal(this.#url);
  }

  isDestroyed() {
    return this.#dead;
  }

  setWindowOpenHandler(handler) {
    this.#openHandler = handler;
  }

  end() {
    if (this.#dead) return;
    this.#dead = true;
    this.emit('destroyed');
    if (this.targetId) this.world.devTools.send('Target.closeTarget', { targetId: this.targetId }).catch(() => {});
  }
}

module.exports = { WebContents, preventable };
