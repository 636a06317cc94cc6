// The layout's promises under random churn: nobody overlaps, nobody moves without a reason, the same steps give the same places.
import { expect, it } from 'vitest';
import { arrange, EMPTY_LAYOUT, layerStarts, positions, type Item, type Layout } from '../../renderer/mesh/layout.ts';
import { LayoutKeeper } from '../../renderer/mesh/layout-keeper.ts';
import { runSeed, seeded } from '../support/random.ts';

const LAYERS = 7;

/** A crowd in which some come, go and change their depth. */
class Crowd {
  items = new Map<string, Item>();
  #random: () => number;
  #next = 0;

  constructor(seed: number) {
    this.#random = seeded(seed);
  }

  step(joins: number, leaves: number, moves: number): void {
    for (let i = 0; i < leaves && this.items.size > 0; i++) this.items.delete(this.#any());
    for (let i = 0; i < joins; i++) this.#put(`v${this.#next++}`);
    for (let i = 0; i < moves && this.items.size > 0; i++) this.#put(this.#any());
  }

  list(): Item[] {
    return [...this.items.values()];
  }

  #put(id: string): void {
    const above = [...this.items.values()].filter((item) => item.id !== id);
    const parent = above[Math.floor(this.#random() * above.length)];
    const layer = Math.min(LAYERS - 1, (parent?.layer ?? -1) + 1);
    this.items.set(id, { id, layer, parents: parent ? [parent.id] : [], span: this.#random() < 0.1 ? 4 : 1 });
  }

  #any(): string {
    return [...this.items.keys()][Math.floor(this.#random() * this.items.size)] ?? '';
  }
}

function overlaps(layout: Layout): string[] {
  const taken = new Map<string, string>();
  const twice: string[] = [];
  for (const [id, { layer, column, row, span }] of layout.places)
    for (let i = 0; i < span; i++) {
      const slot = `${layer}/${column}/${row + i}`;
      const other = taken.get(slot);
      if (other !== undefined) twice.push(`${id} and ${other} at ${slot}`);
      taken.set(slot, id);
    }
  return twice;
}

it('nobody overlaps, and who stays keeps slot and order', () => {
  const seed = runSeed();
  for (let run = 0; run < 8; run++) {
    const crowd = new Crowd(seed + run);
    const random = seeded(seed - run);
    let layout = EMPTY_LAYOUT;
    crowd.step(60, 0, 0);
    for (let step = 0; step < 60; step++) {
      const before = layout;
      const items = new Map(crowd.items);
      layout = arrange(layout, crowd.list());
      expect(overlaps(layout), `seed ${seed}, run ${run}`).toEqual([]);
      expect([...layout.places.keys()].toSorted()).toEqual([...items.keys()].toSorted());
      for (const [id, place] of before.places) {
        const item = items.get(id);
        if (item?.layer === place.layer && item.span === place.span) expect(layout.places.get(id)).toEqual(place);
      }
      crowd.step(Math.floor(random() * 12), Math.floor(random() * 9), Math.floor(random() * 3));
    }
  }
});

it('everybody stands in the layer asked for, and layers follow each other without touching', () => {
  const crowd = new Crowd(3);
  crowd.step(300, 0, 0);
  const layout = arrange(EMPTY_LAYOUT, crowd.list());
  const points = positions(layout);
  const starts = layerStarts(layout);
  for (const { id, layer } of crowd.list()) {
    expect(layout.places.get(id)?.layer).toBe(layer);
    expect(points.get(id)?.x).toBeGreaterThanOrEqual(starts[layer] ?? Infinity);
    expect(points.get(id)?.x).toBeLessThan(starts[layer + 1] ?? Infinity);
  }
});

it('the same steps give the same places', () => {
  const run = (): Layout => {
    const crowd = new Crowd(11);
    let layout = EMPTY_LAYOUT;
    for (let step = 0; step < 30; step++) {
      crowd.step(9, 4, 2);
      layout = arrange(layout, crowd.list());
    }
    return layout;
  };
  expect(run()).toEqual(run());
});

it('a newcomer takes the gap beside its parent', () => {
  const child = (id: string, parent: string): Item => ({ id, layer: 1, parents: [parent], span: 1 });
  const roots = Array.from({ length: 9 }, (_, i): Item => ({ id: `r${i}`, layer: 0, parents: [], span: 1 }));
  const full = [...roots, ...roots.map(({ id }) => child(`c-${id}`, id))];
  const layout = arrange(EMPTY_LAYOUT, full);
  const rowOf = (id: string, of: Layout): number => of.places.get(id)?.row ?? NaN;
  for (const { id } of roots) expect(Math.abs(rowOf(`c-${id}`, layout) - rowOf(id, layout))).toBeLessThanOrEqual(1);
  const top = roots.toSorted((a, b) => rowOf(a.id, layout) - rowOf(b.id, layout))[0]?.id ?? '';
  const alone = arrange(EMPTY_LAYOUT, [...roots, child('alone', top)]);
  expect(rowOf('alone', alone)).toBe(rowOf(top, alone));
  const gone = arrange(
    layout,
    full.filter(({ id }) => id !== 'c-r4'),
  );
  const refilled = arrange(gone, [...full.filter(({ id }) => id !== 'c-r4'), child('late', 'r4')]);
  expect(refilled.places.get('late')).toEqual(layout.places.get('c-r4'));
});

it('a layer that empties by some keeps its width, so that nobody further right moves', () => {
  const many = Array.from({ length: 40 }, (_, i): Item => ({ id: `v${i}`, layer: 0, parents: [], span: 1 }));
  const right: Item = { id: 'right', layer: 1, parents: [], span: 1 };
  const wide = arrange(EMPTY_LAYOUT, [...many, right]);
  const thin = arrange(wide, [...many.slice(0, 3), right]);
  expect(positions(thin).get('right')).toEqual(positions(wide).get('right'));
});

it('the keeper says only who moved', () => {
  const keeper = new LayoutKeeper();
  const item = (id: string, layer: number): Item => ({ id, layer, parents: [], span: 1 });
  const first = keeper.answer({ serial: 1, anew: false, put: [item('a', 0), item('b', 1)], drop: [] });
  expect(first.moved.map(([id]) => id)).toEqual(['a', 'b']);
  const second = keeper.answer({ serial: 2, anew: false, put: [item('c', 1)], drop: ['a'] });
  expect(second.moved.map(([id]) => id)).toContain('c');
  expect(second.gone).toEqual(['a']);
});

it('2,000 viewers are placed within the patience of a worker', () => {
  const crowd = new Crowd(5);
  crowd.step(2_000, 0, 0);
  const layout = arrange(EMPTY_LAYOUT, crowd.list());
  expect(overlaps(layout)).toEqual([]);
});
