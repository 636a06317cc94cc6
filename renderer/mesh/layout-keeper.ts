// What the layout remembers between two changes: hears only what changed, answers with who moved where. Runs in layout-worker.ts, and in
// the page itself where there are no workers.
import { arrange, EMPTY_LAYOUT, layerStarts, positions, type Item, type Layout, type Point } from './layout.ts';

/** What changed since the last ask; `anew` forgets the places. */
export interface LayoutAsk {
  serial: number;
  anew: boolean;
  put: Item[];
  drop: string[];
}

export interface LayoutAnswer {
  serial: number;
  /** Id and place of everyone who is new or moved. */
  moved: [id: string, x: number, y: number][];
  gone: string[];
  starts: number[];
  widths: number[];
  tookMs: number;
}

export class LayoutKeeper {
  #items = new Map<string, Item>();
  #layout: Layout = EMPTY_LAYOUT;
  #points = new Map<string, Point>();

  answer({ serial, anew, put, drop }: LayoutAsk): LayoutAnswer {
    const beganMs = performance.now();
    if (anew) this.#layout = EMPTY_LAYOUT;
    for (const id of drop) this.#items.delete(id);
    for (const item of put) this.#items.set(item.id, item);
    this.#layout = arrange(this.#layout, [...this.#items.values()]);
    const before = this.#points;
    this.#points = positions(this.#layout);
    const moved: LayoutAnswer['moved'] = [];
    for (const [id, { x, y }] of this.#points) {
      const old = before.get(id);
      if (old?.x !== x || old.y !== y) moved.push([id, x, y]);
    }
    const starts = layerStarts(this.#layout);
    const tookMs = performance.now() - beganMs;
    return { serial, moved, gone: drop, starts, widths: [...this.#layout.widths], tookMs };
  }
}
