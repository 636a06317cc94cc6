// What a drill orders a synthetic audience to do: as much as was ordered and no more, to itself alone, or nothing and the reason.
import { beforeEach, expect, it, onTestFinished } from 'vitest';
import { Audience } from '../../client/audience/audience.ts';
import { readOptions } from '../../client/node/audience/options.ts';
import { FORWARD, MeshRig, type Seat } from '../support/mesh-rig.ts';

const VIEWERS = 4;
const IDS = Array.from({ length: VIEWERS }, (_, i) => `v0000${i + 1}`);

let rig: MeshRig;
let audience: Audience;

beforeEach(async () => {
  rig = new MeshRig();
  // The rig seats whoever says hello next.
  rig.seats.push(...IDS.map((id) => ({ id, peer: null as never, tracker: null })));
  const options = { ...readOptions([String(VIEWERS), '--settle', '0', '--join-every', '1']) };
  audience = new Audience(
    rig.net.env(),
    options,
    () => rig.net.env().random(),
    () => Promise.reject(new Error('no servers')),
    () => {},
  );
  onTestFinished(() => {
    rig.stopUnits();
    audience.close();
  });
  void audience.begin(() => false);
  await rig.net.pass(100);
});

/** The first feeds all, the second those after it; a person who really watches is fed by both. */
async function seated(): Promise<{ person: Seat }> {
  const person = await rig.join();
  onTestFinished(() => person.peer.close());
  rig.startUnits();
  const [first = '', second = ''] = IDS;
  const parents = [
    [FORWARD.id, FORWARD.id],
    [first, FORWARD.id],
    [first, second],
    [first, second],
    [first, second],
  ];
  for (const [i, seat] of rig.seats.entries()) rig.plan(seat, parents[i] ?? []);
  await rig.net.pass(1_500);
  return { person };
}

const isCut = (a: Seat | undefined, b: Seat | undefined): boolean =>
  a !== undefined && b !== undefined && (rig.callBetween(a, b)?.ends.some((end) => end.isClosed) ?? false);
const cutAmong = (seats: readonly Seat[]): number =>
  seats.flatMap((a, i) => seats.slice(i + 1).filter((b) => isCut(a, b))).length;

it('cuts the share of the links that it was told, each link counted once', async () => {
  await seated();
  expect(audience.obey({ do: 'cut', share: 0.4 })).toEqual({
    what: '2 of 5 links between synthetic viewers were cut.',
  });
  expect(cutAmong(rig.seats.slice(0, VIEWERS))).toBe(2);
});

it('leaves the links of people alone', async () => {
  const { person } = await seated();
  expect(audience.obey({ do: 'cut', share: 1 })).toEqual({ what: '5 of 5 links between synthetic viewers were cut.' });
  expect(rig.seats.slice(0, VIEWERS).filter((seat) => isCut(seat, person))).toEqual([]);
});

it('turns the one that feeds most, where there are witnesses', async () => {
  await seated();
  expect(audience.obey({ do: 'poison' })).toEqual({ what: `${IDS[0]} spoils what it passes on from now on.` });
});

it('says why where there is nothing to harm', () => {
  expect(audience.obey({ do: 'cut', share: 0.5 })).toEqual({ why: expect.stringContaining('bring more of them') });
  expect(audience.obey({ do: 'poison' })).toEqual({ why: expect.stringContaining('one witness convicts nobody') });
});
