// Where everything stands: layers from left to right by depth, and in each layer a grid of slots. Who has a slot keeps it while others
// come and go; a newcomer takes the free slot nearest to the middle of its parents. Pure: runs in layout-worker.ts.

export interface Item {
  id: string;
  layer: number;
  parents: readonly string[];
  /** Height in rows. */
  span: number;
}

/** A slot: columns count within the layer, rows from the middle line. */
export interface Place {
  layer: number;
  column: number;
  row: number;
  span: number;
}

export interface Layout {
  places: ReadonlyMap<string, Place>;
  /** Columns of each layer; they don't shrink while the layer is in use, so that nobody further right moves. */
  widths: readonly number[];
}

export interface Point {
  x: number;
  y: number;
}

export const EMPTY_LAYOUT: Layout = { places: new Map(), widths: [] };
export const COLUMN_PX = 152;
export const ROW_PX = 36;
export const LAYER_GAP_PX = 72;
const MIN_ROWS = 10;
/** More rows make a higher picture, fewer a wider one: this many per root of the slots in use fits a screen. */
const ROWS_PER_ROOT = 3;

/** One step: places for exactly these items. The same steps give the same places. */
export function arrange(previous: Layout, items: readonly Item[]): Layout {
  const places = new Map<string, Place>();
  const grid = new Grid();
  const fresh: Item[] = [];
  let slots = 0;
  for (const item of items) {
    slots += item.span;
    const old = previous.places.get(item.id);
    if (old && old.layer === item.layer && old.span === item.span) {
      places.set(item.id, old);
      grid.take(old);
    } else fresh.push(item);
  }
  const half = Math.ceil(Math.max(MIN_ROWS, Math.sqrt(slots) * ROWS_PER_ROOT) / 2);
  const layers = new Map<number, Item[]>();
  for (const item of fresh) {
    const members = layers.get(item.layer);
    if (members) members.push(item);
    else layers.set(item.layer, [item]);
  }
  for (const [layer, members] of [...layers].toSorted(([a], [b]) => a - b)) {
    const wanted = members.map((item) => ({ item, row: barycentre(item, places) }));
    wanted.sort((a, b) => a.row - b.row || compare(a.item.id, b.item.id));
    for (const { item, row } of wanted) {
      const place = grid.find(item, row, half, previous.widths[layer] ?? 1);
      places.set(item.id, place);
      grid.take(place);
    }
  }
  return { places, widths: grid.widths(previous.widths) };
}

/** Left upper corner of every place. */
export function positions(layout: Layout): Map<string, Point> {
  const starts = layerStarts(layout);
  const points = new Map<string, Point>();
  for (const [id, place] of layout.places)
    points.set(id, { x: (starts[place.layer] ?? 0) + place.column * COLUMN_PX, y: place.row * ROW_PX });
  return points;
}

/** Left edge of every layer that is in use; unused ones take no room. */
export function layerStarts(layout: Layout): number[] {
  const starts: number[] = [];
  let x = 0;
  for (const width of layout.widths) {
    starts.push(x);
    if (width > 0) x += width * COLUMN_PX + LAYER_GAP_PX;
  }
  return starts;
}

/** The slots in use, by layer and column. */
class Grid {
  #layers: Set<number>[][] = [];

  take({ layer, column, row, span }: Place): void {
    const rows = ((this.#layers[layer] ??= [])[column] ??= new Set());
    for (let i = 0; i < span; i++) rows.add(row + i);
  }

  /** The free slot nearest to `wanted`; another column costs as much as many rows, a new one is the last choice. */
  find(item: Item, wanted: number, half: number, width: number): Place {
    const { layer, span } = item;
    const columns = Math.max(1, width, this.#layers[layer]?.length ?? 0);
    const aim = Math.round(Math.min(half - span, Math.max(-half, wanted - span / 2)));
    let best: Place | null = null;
    let bestCost = Infinity;
    for (let column = 0; column < columns && column * half < bestCost; column++)
      for (let step = 0; step <= 2 * half && step + column * half < bestCost; step++)
        for (const row of step === 0 ? [aim] : [aim - step, aim + step])
          if (
            row >= -half &&
            row + span <= half &&
            this.#isFree(layer, column, row, span) &&
            step + column * half < bestCost
          ) {
            best = { layer, column, row, span };
            bestCost = step + column * half;
          }
    return best ?? { layer, column: columns, row: aim, span };
  }

  widths(previous: readonly number[]): number[] {
    const layers = Math.max(previous.length, this.#layers.length);
    return Array.from({ length: layers }, (_, layer) => {
      const used = this.#layers[layer]?.length ?? 0;
      return used === 0 ? 0 : Math.max(used, previous[layer] ?? 0);
    });
  }

  #isFree(layer: number, column: number, row: number, span: number): boolean {
    const rows = this.#layers[layer]?.[column];
    if (rows === undefined) return true;
    for (let i = 0; i < span; i++) if (rows.has(row + i)) return false;
    return true;
  }
}

function barycentre(item: Item, places: ReadonlyMap<string, Place>): number {
  let sum = 0;
  let count = 0;
  for (const id of item.parents) {
    const place = places.get(id);
    if (place === undefined) continue;
    sum += place.row + place.span / 2;
    count++;
  }
  return count === 0 ? 0 : sum / count;
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
