import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { applyChanges, type FeedMessage, type MeshView } from '../../protocol/mesh-view.ts';
import { DebugFeed } from '../../servers/shared/debug-feed.ts';
import { until } from '../support/until.ts';

/** A feed behind a real socket, and a reader that keeps a view by what it hears. */
async function rig() {
  const feed = new DebugFeed('tracker');
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  server.on('connection', (socket) => feed.attach(socket));
  onTestFinished(() => {
    feed.close();
    server.close();
  });
  await until('a port', () => server.address());
  const read = () => {
    const socket = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
    onTestFinished(() => socket.terminate());
    const heard: FeedMessage[] = [];
    const view: MeshView = { serial: -1, tables: {} };
    socket.on('message', (data) => {
      const message = JSON.parse((data as Buffer).toString()) as FeedMessage;
      heard.push(message);
      if (message.type === 'snapshot') Object.assign(view, { serial: message.serial, tables: message.tables });
      else expect(applyChanges(view, message.serial, message.changes)).toBe(true);
    });
    return { socket, heard, view };
  };
  return { feed, read };
}

describe('a debug feed', () => {
  it('[C1] sends a snapshot, then changes that follow each other, until the view is the program’s own', async () => {
    const { feed, read } = await rig();
    feed.put('viewers', 'v1', { depth: 1 });
    const early = read();
    await until('the snapshot', () => early.heard.length > 0);
    expect(early.heard[0]).toMatchObject({
      type: 'snapshot',
      program: 'tracker',
      tables: { viewers: { v1: { depth: 1 } } },
    });
    for (let i = 0; i < 5; i++) {
      feed.put('viewers', `v${i}`, { depth: i });
      if (i > 2) feed.drop('viewers', `v${i - 1}`);
      feed.flush();
    }
    const late = read();
    await until(
      'both to agree with the program',
      () => late.heard.length > 0 && early.view.serial === feed.view.serial,
    );
    expect(early.view.tables).toEqual(feed.view.tables);
    expect(late.view).toEqual(feed.view);
  });

  it('[C2] gives a new snapshot to whoever asks', async () => {
    const { feed, read } = await rig();
    const reader = read();
    await until('the snapshot', () => reader.heard.length === 1);
    feed.put('viewers', 'v1', {});
    reader.socket.send('again');
    await until('another', () => reader.heard.filter((message) => message.type === 'snapshot').length === 2);
  });

  it('[C2] a skipped number changes nothing and says so', () => {
    const view: MeshView = { serial: 4, tables: { viewers: {} } };
    expect(applyChanges(view, 6, [{ op: 'put', table: 'viewers', id: 'v1', row: {} }])).toBe(false);
    expect(view).toEqual({ serial: 4, tables: { viewers: {} } });
  });

  it('many changes to one row travel as one', async () => {
    const { feed, read } = await rig();
    const reader = read();
    await until('the snapshot', () => reader.heard.length === 1);
    for (let depth = 1; depth <= 100; depth++) feed.put('viewers', 'v1', { depth });
    await until('the changes', () => reader.heard.length > 1);
    expect(reader.heard[1]).toEqual({
      type: 'changes',
      serial: 1,
      changes: [{ op: 'put', table: 'viewers', id: 'v1', row: { depth: 100 } }],
    });
  });

  it('closes its readers when it is closed, once or twice', async () => {
    const { feed, read } = await rig();
    const reader = read();
    await until('the snapshot', () => reader.heard.length === 1);
    feed.close();
    feed.close();
    await until('the end', () => reader.socket.readyState === WebSocket.CLOSED);
    feed.put('viewers', 'v1', {});
  });
});
