// Whatever comes from outside, through the very code that reads it: kept inputs first, then thousands made from them. Nothing may throw, hang
// or take memory without end; what is taken means the same however it was cut on its way. `P2PLIVE_FUZZ_RUNS=100000` goes on for longer.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import type * as v from 'valibot';
import { afterAll, describe, expect, it } from 'vitest';
import { codecsOf, timeOfUnit, timescalesOf } from '../../client/web/mp4.ts';
import {
  CoordinateToForward,
  ForwardToCoordinate,
  ForwardToTracker,
  TrackerRecord,
  TrackerToForward,
} from '../../protocol/backbone.ts';
import { decodeFragment, encodeFragment } from '../../protocol/chunk.ts';
import { ConsoleCall, ConsoleHello } from '../../protocol/control.ts';
import { decodeMessage } from '../../protocol/decode.ts';
import { MAX_OPEN_SLICES } from '../../protocol/limits.ts';
import { FeedMessage } from '../../protocol/mesh-view.ts';
import { PeerMessage } from '../../protocol/peering.ts';
import { FromTracker, FromViewer } from '../../protocol/signalling.ts';
import { Reassembly } from '../../protocol/slice.ts';
import { alsaCardsIn, monitorsIn, pulseSourcesIn } from '../../servers/control/capture/devices-linux.ts';
import { devicesIn as devicesOnMacos } from '../../servers/control/capture/devices-macos.ts';
import { devicesIn as devicesOnWindows } from '../../servers/control/capture/devices-windows.ts';
import { FragmentSplitter } from '../../servers/control/capture/fragments.ts';
import { demuxerFor, type DirectFormat } from '../../servers/coordinate/media/demuxer.ts';
import { sniff } from '../../servers/coordinate/media/sniff.ts';
import { StartError } from '../../servers/shared/exit-codes.ts';
import { checkTicket } from '../../servers/shared/guard.ts';
import { readSettingsFile } from '../../servers/shared/settings-file.ts';
import { answerStun } from '../../servers/tracker/stun.ts';
import { UploadHistory } from '../../servers/tracker/upload-history.ts';
import { inputsFrom, keep, seedsOf } from './corpus.ts';

const RUNS = Number(process.env['P2PLIVE_FUZZ_RUNS'] ?? 400);
const MAX_CHARS = 10_000;
const folder = mkdtempSync(path.join(tmpdir(), 'p2plive-fuzz-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const message =
  (...schemas: v.GenericSchema[]) =>
  (bytes: Buffer): void => {
    for (const schema of schemas) {
      const decoded = decodeMessage(schema, bytes.toString('utf8'), MAX_CHARS);
      // What was taken is taken again as it is, and a refusal has a sentence.
      if (decoded.ok) {
        const again = decodeMessage(schema, JSON.stringify(decoded.value), MAX_CHARS * 10);
        expect(JSON.stringify(again)).toBe(JSON.stringify(decoded));
      }
      if (!decoded.ok) expect(decoded.refusal.detail).not.toBe('');
    }
  };

/** What a demuxer makes of bytes that come in such pieces, in a few numbers. */
function demuxed(format: DirectFormat, pieces: readonly Buffer[]): unknown {
  const seen = { tracks: 0, configs: 0, samples: 0, bytes: 0, refusal: '' };
  const demuxer = demuxerFor(format, {
    tracks: () => void seen.tracks++,
    config: () => void seen.configs++,
    sample({ data }) {
      seen.samples++;
      seen.bytes += data.length;
    },
  });
  for (const piece of pieces) {
    const halt = demuxer.push(piece);
    if (halt) seen.refusal ||= 'handover' in halt ? halt.what : halt.detail;
  }
  return seen;
}

const demux =
  (format: DirectFormat) =>
  (bytes: Buffer): void => {
    const at = Math.floor(bytes.length / 3);
    const cut = [bytes.subarray(0, at), bytes.subarray(at, 2 * at + 1), bytes.subarray(2 * at + 1)];
    expect(demuxed(format, cut)).toEqual(demuxed(format, [bytes]));
  };

const history = new UploadHistory(Buffer.alloc(32, 7));

const DECODERS: Record<string, (bytes: Buffer) => void> = {
  fragment(bytes) {
    const assembly = new Reassembly(6_000);
    // As many as fit behind each other: fragments that overlap and contradict each other are the interesting ones.
    for (let at = 0; at < bytes.length; at += 96) {
      const decoded = decodeFragment(Uint8Array.from(bytes.subarray(at)));
      if (!decoded.ok) continue;
      const again = decodeFragment(encodeFragment(decoded.value));
      expect(again).toEqual(decoded);
      assembly.take(decoded.value, at);
      expect(assembly.size).toBeLessThanOrEqual(MAX_OPEN_SLICES);
    }
  },
  viewer: message(FromViewer, FromTracker),
  peer: message(PeerMessage),
  backbone: message(ForwardToTracker, TrackerToForward, CoordinateToForward, ForwardToCoordinate, TrackerRecord),
  console: message(FeedMessage, ConsoleHello, ConsoleCall),
  tokens(bytes) {
    const text = bytes.toString('utf8');
    checkTicket('a secret of sixteen', text, 'live', 0);
    history.read(text, 0);
  },
  stun(bytes) {
    const answer = answerStun(bytes, '192.0.2.1', 32_853);
    if (answer) expect(answer.length).toBeLessThanOrEqual(44);
  },
  sniff(bytes) {
    expect(sniff(bytes, true).is).not.toBe('more');
    sniff(bytes);
  },
  flv: demux('flv'),
  mpegts: demux('mpegts'),
  mp4: demux('mp4'),
  'player-mp4'(bytes) {
    codecsOf(bytes);
    timeOfUnit(bytes, timescalesOf(bytes));
  },
  'capture-mp4'(bytes) {
    const splitter = new FragmentSplitter({ init() {}, fragment() {} });
    const problem = splitter.push(bytes);
    if (problem !== null) expect(splitter.push(bytes)).toBe(problem);
  },
  devices(bytes) {
    const text = bytes.toString('utf8');
    for (const list of [pulseSourcesIn(text), alsaCardsIn(text), monitorsIn(text, ':0')])
      for (const { id, name } of list) expect([typeof id, typeof name]).toEqual(['string', 'string']);
    devicesOnMacos(text);
    devicesOnWindows(text);
  },
  settings(bytes) {
    const file = path.join(folder, 'settings.yaml');
    writeFileSync(file, bytes);
    try {
      readSettingsFile(file);
    } catch (error) {
      if (!(error instanceof StartError)) throw error;
      expect(error.message).not.toBe('');
    }
  },
};

describe.each(Object.entries(DECODERS))('%s', (name, decode) => {
  const seeds = seedsOf(name);

  it.each(seeds.map(({ why, bytes }) => [why, bytes] as const))('takes or refuses: %s', (_why, bytes) => decode(bytes));

  it('[W1] nothing that is made from these breaks it', { timeout: 60_000 + RUNS * 10 }, () => {
    const { failed, counterexample, errorInstance } = fc.check(
      fc.property(inputsFrom(seeds), (bytes) => decode(bytes)),
      { numRuns: RUNS },
    );
    if (!failed) return;
    const [bytes] = counterexample ?? [];
    if (bytes) keep(name, bytes);
    throw new Error(`An input broke ${name}; it is kept in tests/fuzz/corpus/${name}.json.`, { cause: errorInstance });
  });
});
