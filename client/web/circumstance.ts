// Why this viewer should feed nobody for now, by what the browser tells of its connection and battery. It goes on taking from others.
import type { LeafReason } from '../../protocol/signalling.ts';

/** What some browsers tell of the connection (Network Information API); absent elsewhere. */
interface Connection extends EventTarget {
  saveData?: boolean;
  type?: string;
}
interface Battery extends EventTarget {
  charging: boolean;
}
interface Telling {
  connection?: Connection;
  getBattery?: () => Promise<Battery>;
}

export interface Seen {
  savesData: boolean;
  isCellular: boolean;
  isHidden: boolean;
  onBattery: boolean;
  /** The machine hardly keeps up with its own picture. */
  isBusy: boolean;
}

/** Pure: the first reason that holds. */
export function leafFor({ savesData, isCellular, isHidden, onBattery, isBusy }: Seen): LeafReason | null {
  if (savesData) return 'data-saver';
  if (isCellular) return 'metered';
  if (isHidden && onBattery) return 'battery';
  return isBusy ? 'busy' : null;
}

/**
 * Calls back now and whenever it changes. Ends with `signal`.
 * @returns to be told whether the machine is busy
 */
export function watchCircumstance(
  changed: (leaf: LeafReason | null) => void,
  signal: AbortSignal,
): (isBusy: boolean) => void {
  const { connection, getBattery } = navigator as Telling;
  let battery: Battery | null = null;
  let isBusy = false;
  let last: LeafReason | null | undefined;
  const look = (): void => {
    const leaf = leafFor({
      savesData: connection?.saveData === true,
      isCellular: connection?.type === 'cellular',
      isHidden: document.hidden,
      onBattery: battery !== null && !battery.charging,
      isBusy,
    });
    if (leaf === last) return;
    last = leaf;
    changed(leaf);
  };
  connection?.addEventListener('change', look, { signal });
  document.addEventListener('visibilitychange', look, { signal });
  getBattery
    ?.call(navigator)
    .then((found) => {
      battery = found;
      found.addEventListener('chargingchange', look, { signal });
      look();
    })
    .catch(() => undefined); // not told: as if plugged in
  look();
  return (now) => {
    isBusy = now;
    look();
  };
}
