// What a drill's seconds amount to: the pure judgement.
import { expect, it } from 'vitest';
import type { AudienceSecond } from '../../protocol/rehearsal.ts';
import { judgeDrill, PLANS } from '../../servers/control/rehearsal/drill-plan.ts';

const second = (n: number, more: Partial<AudienceSecond> = {}): AudienceSecond => ({
  second: n,
  viewers: 10,
  playing: 10,
  parents: { peers: 18, forwards: 2 },
  units: 150,
  late: 0,
  missing: 0,
  longestGapMs: 120,
  delayP50Ms: 80,
  ...more,
});
const seconds = (...changed: Partial<AudienceSecond>[]): AudienceSecond[] =>
  Array.from({ length: 12 }, (_, i) => second(i + 1, changed[i]));

it('passes when nearly nothing was late and all are well again in time', () => {
  const { verdict, sentences } = judgeDrill(PLANS['lose-30'], seconds({ late: 20, longestGapMs: 700 }), null);
  expect(verdict).toBe('passed');
  expect(sentences.join(' ')).toContain('well again after 1 s');
});

it.each([
  ['too much is late', seconds({ late: 60 }), null, 'missed their moment'],
  ['a picture stands too long', seconds({ longestGapMs: 2_000 }), null, 'longest gap'],
  [
    'it takes too long',
    seconds({ playing: 8 }, { playing: 8 }, { playing: 9 }, { playing: 9 }),
    null,
    'well again after 4 s',
  ],
  ['it is never well again', seconds(...Array.from({ length: 12 }, () => ({ playing: 9 }))), null, 'not well again'],
  ['the poisoner goes free', seconds(), false, 'not convicted'],
  ['nobody watched', [], null, '0 units'],
] as const)('fails when %s', (_what, seen, convicted, sentence) => {
  const { verdict, sentences } = judgeDrill(PLANS['lose-30'], seen, convicted);
  expect(verdict).toBe('failed');
  expect(sentences.slice(0, 3).join(' ')).toContain(sentence);
});
