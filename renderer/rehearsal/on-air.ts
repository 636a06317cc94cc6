// Is there, or may there be, something on air that a synthetic audience could watch? The plane has the last word, and refuses with a
// sentence.
import { useConsole, useMesh } from '../stores.ts';

const STREAM = 'live';

export function useOnAir(): boolean {
  const isSent = useConsole(({ state }) => state?.capture.state.is === 'live');
  // Whoever pushes an encoder of their own may have chosen nothing here.
  const isPushed = useMesh(({ tables }) => tables.streams[STREAM]?.state === 'live');
  return isSent || isPushed;
}
