// Is there, or may there be, something on air that a synthetic audience could watch? Whether an encoder of one's own has pushed is known to
// the plane alone, which refuses with a sentence.
import type { PlaneState } from '../../protocol/control.ts';

export function isOnAir(state: PlaneState | null): boolean {
  const is = state?.capture.state.is;
  return is === 'live' || is === 'external';
}
