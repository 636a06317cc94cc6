// What becomes of the rows of other servers, of any release and honesty.
import { expect, it } from 'vitest';
import { place } from '../../servers/control/mesh-merge.ts';

it('a forward’s words about newcomers are taken as far as they can be', () => {
  const from = { kind: 'forward', base: 'http://f', id: 'f1', program: null } as const;
  const startsOf = (starts: unknown) => place(from, 'forward', 'f1', { pull: 'ws://f', starts })?.row['starts'];
  const row = { stream: 'live', limit: 20, newcomers: 40, putOff: 14 };
  expect(startsOf([row])).toEqual([row]);
  const nothing = { stream: '', limit: 0, newcomers: 0, putOff: 0 };
  expect(startsOf([null, 7, { stream: 3, limit: 'many', newcomers: Infinity }])).toEqual([nothing, nothing, nothing]);
  expect([startsOf(undefined), startsOf('all')]).toEqual([[], []]);
});
