// Whose word counts: honest witnesses, liars, and both at once.
import { describe, expect, it } from 'vitest';
import { Strangers } from '../../servers/tracker/strangers.ts';
import { Trust, type Verdict } from '../../servers/tracker/trust.ts';

const here = { network: '10.0.0', otherChildren: 1, isMixed: false };
const says = (
  trust: Trust,
  accuser: string,
  accused: string,
  nowMs: number,
  more: Partial<typeof here> = {},
): Verdict => trust.hear({ ...here, accuser, accused, ...more }, nowMs);

describe('[T15] conviction', () => {
  it('one word moves the edge and marks the accused; the same viewer saying it again is no second one', () => {
    const trust = new Trust();
    for (const ms of [0, 5_000, 9_000])
      expect(says(trust, 'va', 'vbad', ms)).toEqual({
        movesEdge: true,
        convicted: [],
        isSuspended: false,
        losesVoice: false,
      });
    expect(trust.of('vbad', 9_000)).toMatchObject({ trust: 'accused', trustWhy: expect.stringContaining('va') });
    expect(trust.of('vbad', 9_000 + 5 * 60_000).trust).toBe('good');
  });

  it('a second viewer convicts, for good, and the row says by whose word', () => {
    const trust = new Trust();
    says(trust, 'va', 'vbad', 0);
    expect(says(trust, 'vb', 'vbad', 60_000).convicted).toEqual(['vbad']);
    const { trust: word, trustWhy } = trust.of('vbad', 1e9);
    expect(word).toBe('convicted');
    expect(trustWhy).toMatch(/va and vb/);
  });

  it('where there are two networks the second word must come from the other one', () => {
    const trust = new Trust();
    const mixed = { isMixed: true };
    says(trust, 'va', 'vbad', 0, mixed);
    const second = says(trust, 'vb', 'vbad', 1_000, mixed);
    expect(second).toMatchObject({ convicted: [], isSuspended: true });
    expect(says(trust, 'vc', 'vbad', 2_000, { ...mixed, network: '10.9.9' }).convicted).toEqual(['vbad']);
  });

  it('a child of two bad parents helps to convict both', () => {
    const trust = new Trust();
    says(trust, 'va', 'vbad1', 0);
    says(trust, 'va', 'vbad2', 10);
    expect(says(trust, 'vb', 'vbad1', 20).convicted).toEqual([]);
    expect(says(trust, 'vc', 'vbad2', 30).convicted.toSorted()).toEqual(['vbad1', 'vbad2']);
  });

  it('a liar who accuses many convicts nobody, is not listened to, and what it said is taken back', () => {
    const trust = new Trust();
    const verdicts = ['vp', 'vq', 'vr', 'vs'].map((accused, i) => says(trust, 'vliar', accused, i * 1_000));
    expect(verdicts.map((one) => one.losesVoice)).toEqual([false, false, true, false]);
    expect(verdicts.flatMap((one) => one.convicted)).toEqual([]);
    expect(verdicts[3]?.movesEdge).toBe(false);
    for (const id of ['vp', 'vq', 'vr', 'vs']) expect(trust.of(id, 5_000).trust).toBe('good');
    expect(trust.of('vliar', 5_000)).toMatchObject({ trust: 'silenced', trustWhy: expect.stringContaining('3 peers') });
    // An honest word about one of them is the first again.
    expect(says(trust, 'va', 'vp', 6_000).convicted).toEqual([]);
  });

  it('a liar and an honest viewer together convict nobody while the liar’s other words stand alone', () => {
    const trust = new Trust();
    says(trust, 'vliar', 'vp', 0);
    says(trust, 'vliar', 'vq', 1_000);
    expect(says(trust, 'va', 'vp', 2_000).convicted).toEqual([]);
  });

  it('only children are no content children: their word is waited on', () => {
    const trust = new Trust();
    const alone = { otherChildren: 0 };
    for (let i = 0; i < 5; i++) expect(says(trust, 'va', `vbad${i}`, i, alone).losesVoice).toBe(false);
    expect(says(trust, 'va', 'vbad5', 6, alone).losesVoice).toBe(true);
  });

  it('words of a convicted viewer count for nothing, and memory has an end', () => {
    const trust = new Trust();
    says(trust, 'va', 'vbad', 0);
    says(trust, 'vb', 'vbad', 1);
    says(trust, 'vbad', 'vgood', 2);
    expect(trust.of('vgood', 3).trust).toBe('good');
    for (let i = 0; i < 10_001; i++) says(trust, `vx${i}`, `vy${i}`, 10);
    expect(trust.of('vy0', 11).trust).toBe('good');
    expect(trust.of('vy10000', 11).trust).toBe('accused');
  });
});

it('[T16] thirty new neighbours at once, then one more every ten seconds, also after coming back', () => {
  const strangers = new Strangers();
  strangers.meet('va', 30, 0);
  expect(strangers.isOver('va', 0)).toBe(false);
  strangers.meet('va', 1, 0);
  expect(strangers.isOver('va', 5_000)).toBe(true);
  expect(strangers.isOver('va', 10_500)).toBe(false);
  strangers.meet('va', 1, 10_500);
  expect(strangers.isOver('va', 10_500)).toBe(true);
  expect(strangers.isOver('vb', 10_500)).toBe(false);
});
