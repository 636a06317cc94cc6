// JSON messages: tolerant of what is new, strict about what is wrong. Debug feeds: numbered changes.
import fc from 'fast-check';
import type * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import {
  CoordinateToForward,
  ForwardToCoordinate,
  ForwardToTracker,
  TrackerRecord,
  TrackerToForward,
} from '../../protocol/backbone.ts';
import { decodeMessage } from '../../protocol/decode.ts';
import { applyChanges, FeedMessage, type Change, type MeshView } from '../../protocol/mesh-view.ts';
import { PeerMessage } from '../../protocol/peering.ts';
import { Assignment, FromTracker, FromViewer } from '../../protocol/signalling.ts';

const SCHEMAS: Record<string, v.GenericSchema> = {
  FromViewer,
  FromTracker,
  PeerMessage,
  Assignment,
  ForwardToTracker,
  TrackerToForward,
  CoordinateToForward,
  ForwardToCoordinate,
  TrackerRecord,
  FeedMessage,
};

describe('messages', () => {
  it('[W8] unknown fields are ignored', () => {
    const decoded = decodeMessage(PeerMessage, '{"type":"unsubscribe","slice":1,"colour":"green"}', 1_000);
    expect(decoded).toEqual({ ok: true, value: { type: 'unsubscribe', slice: 1 } });
  });

  it('[W8] unknown types, missing fields and values out of bounds are refused with the place', () => {
    const refused = (text: string): unknown => decodeMessage(PeerMessage, text, 1_000);
    expect(refused('{"type":"dance"}')).toMatchObject({ ok: false, refusal: { reason: 'bad-message' } });
    expect(refused('{"type":"unsubscribe"}')).toMatchObject({
      ok: false,
      refusal: { detail: expect.stringContaining('slice') as string },
    });
    expect(refused('{"type":"unsubscribe","slice":5}')).toMatchObject({ ok: false });
    expect(refused('{"type":"want","epoch":1,"unit":-1,"slice":0,"of":2,"why":"pull"}')).toMatchObject({ ok: false });
    expect(refused(`{"type":"unsubscribe","slice":1,"pad":"${'x'.repeat(1_000)}"}`)).toMatchObject({
      ok: false,
      refusal: { reason: 'too-large' },
    });
  });

  for (const [name, schema] of Object.entries(SCHEMAS)) {
    it(`[W1] ${name}: no text makes the decoder throw`, () => {
      const text = fc.oneof(
        fc.string(),
        fc.json(),
        fc
          .record({
            type: fc.constantFrom(
              'hello',
              'plan',
              'report',
              'signal',
              'subscribe',
              'want',
              'alive',
              'streams',
              'snapshot',
              'changes',
            ),
            v: fc.anything(),
            slice: fc.anything(),
            data: fc.anything(),
          })
          .map((value) => {
            try {
              return JSON.stringify(value) ?? '';
            } catch {
              return ''; // fc.anything() may hold a bigint
            }
          }),
      );
      fc.assert(
        fc.property(text, (json) => typeof decodeMessage(schema, json, 10_000).ok === 'boolean'),
        { numRuns: 400 },
      );
    });
  }
});

describe('debug feeds', () => {
  it('[C1] a reader that applies the numbered changes has what the program has', () => {
    const put = fc.record({
      op: fc.constant('put' as const),
      table: fc.constantFrom('viewers', 'streams'),
      id: fc.constantFrom('a', 'b', 'c'),
      row: fc.dictionary(fc.string(), fc.nat()),
    });
    const drop = fc.record({
      op: fc.constant('drop' as const),
      table: fc.constantFrom('viewers', 'streams'),
      id: fc.constantFrom('a', 'b', 'c'),
    });
    fc.assert(
      fc.property(
        fc.array(fc.array(fc.oneof(put, drop), { maxLength: 5 }), { maxLength: 20 }),
        fc.nat(20),
        (batches: Change[][], joinAt) => {
          const program: MeshView = { serial: 0, tables: {} };
          let reader: MeshView | null = null;
          for (const [index, batch] of batches.entries()) {
            if (index === joinAt % (batches.length + 1)) reader = structuredClone(program);
            applyChanges(program, program.serial + 1, structuredClone(batch));
            if (reader) expect(applyChanges(reader, reader.serial + 1, structuredClone(batch))).toBe(true);
          }
          if (reader) expect(reader).toEqual(program);
        },
      ),
    );
  });

  it('[C2] a skipped number changes nothing', () => {
    const view: MeshView = { serial: 4, tables: { viewers: { a: { depth: 1 } } } };
    expect(applyChanges(view, 6, [{ op: 'drop', table: 'viewers', id: 'a' }])).toBe(false);
    expect(view).toEqual({ serial: 4, tables: { viewers: { a: { depth: 1 } } } });
  });
});
