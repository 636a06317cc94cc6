// Says when so many join at once that forwards let some wait for their parents, as they should: an operator who sees late first pictures
// shall know why, and what they cost. Pure.
import type { MeshTables } from '../../protocol/mesh-tables.ts';
import { count } from '../format.ts';
import type { Advice } from './advice.ts';

interface Crowd {
  limit: number;
  newcomers: number;
  putOff: number;
}

export function ofCrowd({ forwards }: Partial<MeshTables>): Advice[] {
  const crowds = new Map<string, Crowd>();
  for (const { starts } of Object.values(forwards ?? {}))
    for (const { stream, limit, newcomers, putOff } of starts ?? []) {
      const sum = crowds.get(stream) ?? { limit: 0, newcomers: 0, putOff: 0 };
      crowds.set(stream, {
        limit: sum.limit + limit,
        newcomers: sum.newcomers + newcomers,
        putOff: sum.putOff + putOff,
      });
    }
  return [...crowds]
    .filter(([, { putOff }]) => putOff > 0)
    .map(([stream, { limit, newcomers, putOff }]) => ({
      key: `crowd ${stream}`,
      severity: 'note',
      says: `A crowd is joining ${stream}: ${putOff} of ${count(newcomers, 'newcomer')} of the last half minute waited for their parents (forwards start at most ${count(limit, 'copy', 'copies')} at once, --start-copies).`,
      todo: 'Their first picture comes a second or two later; raise --start-copies in Settings if the forwards can send more.',
    }));
}
