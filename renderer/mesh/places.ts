// Where the nodes stand, as the worker says: sends it what changed in the scene and keeps its answers. One ask at a time is under way;
// what changes meanwhile goes with the next.
import { create } from 'zustand';
import type { Item, Point } from './layout.ts';
import { LayoutKeeper, type LayoutAnswer, type LayoutAsk } from './layout-keeper.ts';

export interface Places {
  /** Grows with every answer that moved somebody. */
  serial: number;
  /** The same map, changed in place: read it when `serial` changes. */
  points: Map<string, Point>;
  starts: readonly number[];
  widths: readonly number[];
}

export const usePlaces = create<Places>(() => ({ serial: 0, points: new Map(), starts: [], widths: [] }));

type Ask = (ask: LayoutAsk) => void;

export class Placing {
  #sent = new Map<string, Item>();
  #next: readonly Item[] | null = null;
  #anew = false;
  #serial = 0;
  #isAsking = false;
  #worker: Worker | null = null;
  #ask: Ask;
  #onPlaced: () => void;

  /** @param onPlaced called after each answer, when its places can be read */
  constructor(onPlaced: () => void) {
    this.#onPlaced = onPlaced;
    this.#ask = this.#start();
  }

  /** The items of the scene as it is now. @returns whether an answer is on its way */
  show(items: readonly Item[]): boolean {
    this.#next = items;
    this.#send();
    return this.#isAsking;
  }

  /** Forgets every place and lays all out again. */
  tidy(): void {
    this.#anew = true;
    this.#next ??= [...this.#sent.values()];
    this.#send();
  }

  close(): void {
    this.#worker?.terminate();
    this.#worker = null;
    usePlaces.setState({ points: new Map(), starts: [], widths: [] });
  }

  #start(): Ask {
    const here = (): Ask => {
      const keeper = new LayoutKeeper();
      return (ask) => this.#hear(keeper.answer(ask));
    };
    if (typeof Worker === 'undefined') return here();
    const worker = new Worker(new URL('./layout-worker.ts', import.meta.url), { type: 'module' });
    this.#worker = worker;
    worker.addEventListener('message', ({ data }: MessageEvent<LayoutAnswer>) => this.#hear(data));
    worker.addEventListener('error', () => {
      // A page that may not start workers lays out by itself.
      worker.terminate();
      this.#worker = null;
      this.#ask = here();
      const all = [...this.#sent.values()];
      this.#sent.clear();
      this.#isAsking = false;
      this.#next ??= all;
      this.#send();
    });
    return (ask) => worker.postMessage(ask);
  }

  #send(): void {
    if (this.#isAsking || this.#next === null) return;
    const put: Item[] = [];
    const here = new Set<string>();
    for (const item of this.#next) {
      here.add(item.id);
      if (isOther(this.#sent.get(item.id), item)) {
        put.push(item);
        this.#sent.set(item.id, item);
      }
    }
    const drop: string[] = [];
    if (here.size < this.#sent.size) for (const id of this.#sent.keys()) if (!here.has(id)) drop.push(id);
    for (const id of drop) this.#sent.delete(id);
    this.#next = null;
    if (put.length === 0 && drop.length === 0 && !this.#anew) return;
    this.#isAsking = true;
    const anew = this.#anew;
    this.#anew = false;
    this.#ask({ serial: ++this.#serial, anew, put, drop });
  }

  #hear({ moved, gone, starts, widths }: LayoutAnswer): void {
    const { points, serial } = usePlaces.getState();
    for (const id of gone) points.delete(id);
    for (const [id, x, y] of moved) points.set(id, { x, y });
    this.#isAsking = false;
    if (moved.length > 0) usePlaces.setState({ serial: serial + 1, starts, widths });
    this.#onPlaced();
    this.#send();
  }
}

function isOther(old: Item | undefined, item: Item): boolean {
  if (!old || old.layer !== item.layer || old.span !== item.span || old.parents.length !== item.parents.length)
    return true;
  return item.parents.some((id, i) => id !== old.parents[i]);
}
