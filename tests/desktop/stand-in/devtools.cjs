'use strict';
// A small client of the Chrome DevTools Protocol: one socket, a session for each page.
const { EventEmitter } = require('node:events');
const { WebSocket } = require('ws');

class Session extends EventEmitter {
  constructor(socket, id) {
    super();
    this.socket = socket;
    this.id = id;
  }
  send(method, params = {}) {
    return this.socket.request(method, params, this.id);
  }
}

class DevTools extends Session {
  #ws;
  #serial = 0;
  #waiting = new Map();
  #sessions = new Map();

  static open(url) {
    return new Promise((resolve, reject) => {
      const ws = new WebSocket(url, { perMessageDeflate: false, maxPayload: 256 * 1024 * 1024 });
      ws.once('open', () => resolve(new DevTools(ws)));
      ws.once('error', reject);
    });
  }

  constructor(ws) {
    super(null, undefined);
    this.socket = this;
    this.#ws = ws;
    ws.on('message', (data) => this.#hear(JSON.parse(data.toString())));
    ws.on('close', () => {
      for (const { reject } of this.#waiting.values()) reject(new Error('Chromium is gone'));
      this.#waiting.clear();
      this.emit('closed');
    });
  }

  session(id) {
    if (!this.#sessions.has(id)) this.#sessions.set(id, new Session(this, id));
    return this.#sessions.get(id);
  }

  request(method, params, sessionId) {
    return new Promise((resolve, reject) => {
      if (this.#ws.readyState !== WebSocket.OPEN) return reject(new Error('Chromium is gone'));
      const id = ++this.#serial;
      this.#waiting.set(id, { resolve, reject, method });
      this.#ws.send(JSON.stringify({ id, method, params, sessionId }));
    });
  }

  #hear({ id, method, params, result, error, sessionId }) {
    if (id === undefined) return void (sessionId ? this.#sessions.get(sessionId) : this)?.emit(method, params);
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error) waiting?.reject(new Error(`${waiting.method}: ${error.message}`));
    else waiting?.resolve(result);
  }
}

module.exports = { DevTools };
