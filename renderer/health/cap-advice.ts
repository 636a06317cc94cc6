// Says when the forwards carry what the viewers would: their uplinks have room, the cap on uploads does not let them use it. Pure.
import type { MeshTables } from '../../protocol/mesh-tables.ts';
import type { Advice } from './advice.ts';

/** With fewer the forwards carry most themselves, as they should. */
const MIN_VIEWERS = 5;

export function ofCap({ swarms }: Partial<MeshTables>): Advice[] {
  return Object.entries(swarms ?? {}).flatMap(([id, { name, viewerCount, forecast }]) => {
    const short = forecast?.capShortage;
    if (!short || viewerCount < MIN_VIEWERS) return [];
    const { cap, copies, betterCap, betterCopies, isEnough } = short;
    return [
      {
        key: `cap ${id}`,
        severity: 'note',
        says: `Viewers of ${name} may upload ${words(cap)} copies of the stream at most, which is ${words(copies)} on average: forwards carry the rest.`,
        todo: isEnough
          ? `A cap of ${words(betterCap)} would let them carry everybody, as far as their uplinks are known: raise --upload-cap in Settings.`
          : `A cap of ${words(betterCap)} would make it ${words(betterCopies)}, as far as their uplinks are known: raise --upload-cap in Settings.`,
      },
    ];
  });
}

const words = (copies: number): string => String(Number(copies.toFixed(2)));
