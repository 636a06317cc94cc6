'use strict';
// The two worlds of a page: its own, and the isolated one of the preload. They share the document and nothing else; what contextBridge
// exposes crosses as events on the window, functions by number.
const { values } = require('./values.cjs');

/** Runs in both worlds. `me` and `other` name the ends. */
function bridge(secret, me, other) {
  const known = new Map();
  const waiting = new Map();
  let serial = 0;
  const tell = (what, detail) => window.dispatchEvent(new CustomEvent(`${secret}:${what}:${other}`, { detail }));
  const hear = (what, then) => window.addEventListener(`${secret}:${what}:${me}`, (event) => then(event.detail));
  const give = (value) => {
    if (typeof value === 'function') {
      const id = `${me}${++serial}`;
      known.set(id, value);
      return { aFunction: id };
    }
    if (value instanceof Promise) {
      const id = `${me}${++serial}`;
      value.then(
        (result) => tell('settle', { id, ok: true, value: give(result) }),
        (error) => tell('settle', { id, ok: false, value: String(error?.message ?? error) }),
      );
      return { aPromise: id };
    }
    if (Array.isArray(value)) return value.map(give);
    if (value && Object.getPrototypeOf(value) === Object.prototype)
      return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, give(one)]));
    return value;
  };
  const take = (value) => {
    if (Array.isArray(value)) return value.map(take);
    if (!value || Object.getPrototypeOf(value) !== Object.prototype) return value;
    if (value.aFunction) return (...args) => call(value.aFunction, args);
    if (value.aPromise) return new Promise((resolve, reject) => waiting.set(value.aPromise, { resolve, reject }));
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, take(one)]));
  };
  let answer;
  const call = (id, args) => {
    answer = undefined;
    tell('call', { id, args: args.map(give) });
    const got = answer;
    answer = undefined;
    if (!got) throw new Error('The other world does not answer.');
    if (!got.ok) throw new Error(got.value);
    return take(got.value);
  };
  hear('call', ({ id, args }) => {
    try {
      tell('answer', { ok: true, value: give(known.get(id)(...args.map(take))) });
    } catch (error) {
      tell('answer', { ok: false, value: String(error?.message ?? error) });
    }
  });
  hear('answer', (given) => (answer = given));
  hear('settle', ({ id, ok, value }) => {
    const one = waiting.get(id);
    waiting.delete(id);
    if (ok) one?.resolve(take(value));
    else one?.reject(new Error(value));
  });
  return { give, take, tell, hear };
}

function ownWorld(secret, bridgeOf) {
  if (window.top !== window) return;
  const end = bridgeOf(secret, 'page', 'preload');
  end.hear('expose', ({ key, api }) => {
    Object.defineProperty(window, key, { value: Object.freeze(end.take(api)), enumerable: true });
  });
  // A page that really opened would have to be closed again while its opener waits for it: the app's handler is asked instead.
  const ask = (url) => end.tell('open', new URL(url, location.href).href);
  window.open = (url) => {
    ask(url);
    return null;
  };
  document.addEventListener('click', (event) => {
    const link = event.target instanceof Element ? event.target.closest('a[target=_blank]') : null;
    if (!link || event.defaultPrevented) return;
    event.preventDefault();
    ask(link.href);
  });
}

function isolatedWorld(secret, bridgeOf, valuesOf, binding, preload) {
  if (window.top !== window) return;
  const end = bridgeOf(secret, 'preload', 'page');
  const { pack, unpack } = valuesOf();
  const post = globalThis[binding];
  end.hear('open', (url) => post(JSON.stringify({ open: url })));
  const calls = new Map();
  const listeners = new Map();
  let serial = 0;
  globalThis[`${binding}Hear`] = (message) => {
    if (message.what === 'answer') {
      const one = calls.get(message.id);
      calls.delete(message.id);
      if (message.ok) one?.resolve(unpack(message.value));
      else one?.reject(new Error(`Error invoking remote method '${one.channel}': ${message.value}`));
      return;
    }
    for (const hear of listeners.get(message.channel) ?? []) hear({ senderId: 0, ports: [] }, ...unpack(message.args));
  };
  const ipcRenderer = {
    invoke: (channel, ...args) =>
      new Promise((resolve, reject) => {
        calls.set(++serial, { resolve, reject, channel });
        post(JSON.stringify({ id: serial, channel, args: pack(args) }));
      }),
    on(channel, hear) {
      listeners.set(channel, [...(listeners.get(channel) ?? []), hear]);
      return ipcRenderer;
    },
  };
  const contextBridge = { exposeInMainWorld: (key, api) => end.tell('expose', { key, api: end.give(api) }) };
  const requireInPreload = (name) => {
    if (name === 'electron') return { contextBridge, ipcRenderer };
    throw new Error(`A sandboxed preload can not require ${name}.`);
  };
  const module = { exports: {} };
  preload(requireInPreload, module, module.exports);
}

const text = JSON.stringify;
const ownWorldText = (secret) => `(${String(ownWorld)})(${text(secret)}, ${String(bridge)})`;
const isolatedWorldText = (secret, binding, preload) =>
  `(${String(isolatedWorld)})(${text(secret)}, ${String(bridge)}, ${String(values)}, ${text(binding)}, function (require, module, exports) {\n${preload}\n})`;

module.exports = { ownWorldText, isolatedWorldText };
