// A capture with folders of its own, and things that take its pushes: one as the coordinate does, one that takes nothing.
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { onTestFinished } from 'vitest';
import type { CaptureState } from '../../../protocol/capture-state.ts';
import { Capture, type CaptureOptions } from '../../../servers/control/capture/capture.ts';
import { FragmentSplitter } from '../../../servers/control/capture/fragments.ts';
import { descendantsOf } from '../../support/processes.ts';
import { quietLog } from '../../support/quiet-log.ts';

export const TEST = { source: { kind: 'test' }, preset: '360p' } as const;

export interface Pushed {
  request: IncomingMessage;
  response: ServerResponse;
  inits: number;
  fragments: number;
  /** The first fragment after the first init segment can be decoded. */
  beginsWithKey: boolean | null;
  problem: string | null;
  ended: 'no' | 'clean' | 'cut';
}

/** Something that takes pushes as the coordinate does, and keeps count of them. */
export async function sink(onPush: (push: Pushed) => void = () => {}): Promise<{ url: string; pushes: Pushed[] }> {
  const pushes: Pushed[] = [];
  const server = createServer({ requestTimeout: 0 }, (request, response) => {
    const push: Pushed = {
      request,
      response,
      inits: 0,
      fragments: 0,
      beginsWithKey: null,
      problem: null,
      ended: 'no',
    };
    const splitter = new FragmentSplitter({
      init: () => push.inits++,
      fragment: ({ key }) => {
        push.beginsWithKey ??= key;
        push.fragments++;
      },
    });
    pushes.push(push);
    request.on('data', (bytes: Buffer) => (push.problem = splitter.push(bytes)));
    request.on('close', () => {
      push.ended = request.complete ? 'clean' : 'cut';
      if (request.complete) response.end();
    });
    request.on('error', () => {}); // a cut is counted above
    onPush(push);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/stream/live`, pushes };
}

/** Takes connections and never reads from them. */
export async function hole(): Promise<{ url: string; sockets: Socket[] }> {
  const sockets: Socket[] = [];
  const server = createTcpServer({ pauseOnConnect: true }, (socket) => {
    socket.on('error', () => {}); // it was cut, as it should be
    sockets.push(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/stream/live`, sockets };
}

export interface Rig {
  capture: Capture;
  states: CaptureState[];
  is: () => CaptureState['is'];
  folder: string;
  recordings: string;
}

export function rig(url: string | null, more: Partial<CaptureOptions> = {}): Rig {
  const folder = mkdtempSync(path.join(tmpdir(), 'p2plive-capture-'));
  const recordings = path.join(folder, 'recordings');
  const states: CaptureState[] = [];
  const capture = new Capture({
    target: () => (url === null ? null : { url }),
    recordingsFolder: recordings,
    mediaFolder: path.join(folder, 'media'),
    log: quietLog(),
    onChange: ({ state }) => {
      if (JSON.stringify(states.at(-1)) !== JSON.stringify(state)) states.push(state);
    },
    ...more,
  });
  onTestFinished(async () => {
    await capture.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return { capture, states, is: () => capture.view.state.is, folder, recordings };
}

/** What captures now: the probes have ended. */
export const ffmpegs = () => descendantsOf(process.pid).filter((one) => one.command.includes('frag_every_frame'));

/** Counts what a console hears. */
export function watch(capture: Capture): { mimes: string[]; fragments: number } {
  const seen = { mimes: [] as string[], fragments: 0 };
  const splitter = new FragmentSplitter({ init: () => {}, fragment: () => seen.fragments++ });
  capture.preview((data) => {
    if (typeof data === 'string') seen.mimes.push(data);
    else splitter.push(data);
  });
  return seen;
}
