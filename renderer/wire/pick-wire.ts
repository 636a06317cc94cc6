// Which wire this console has: Electron's bridge when the preload has put one there, otherwise a WebSocket to where the page came from.
import type { ConsoleWire } from '../../protocol/control.ts';
import { takeToken } from './token.ts';
import { WebWire, type LinkedWire, type WireLink } from './web-wire.ts';

/** What the desktop shell may offer besides the contract. */
export interface ShellExtras {
  /** Shows a recording in the system's file manager; the shell knows which. */
  showRecording?(): void;
}

declare global {
  interface Window {
    p2pliveConsole?: ConsoleWire & ShellExtras;
  }
}

/** @returns null when there is neither a bridge nor a token */
export function pickWire(): LinkedWire | null {
  if (window.p2pliveConsole) return new BridgeWire(window.p2pliveConsole);
  const token = takeToken();
  if (token === null) return null;
  const wire = new WebWire({ base: `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}`, token });
  wire.start();
  return wire;
}

/** Electron's IPC lives as long as the window: always open. */
class BridgeWire implements LinkedWire {
  readonly link: WireLink = { is: 'open' };
  readonly call: ConsoleWire['call'];
  readonly listen: ConsoleWire['listen'];
  readonly preview: ConsoleWire['preview'];

  constructor(bridge: ConsoleWire) {
    this.call = (name, argument) => bridge.call(name, argument);
    this.listen = (hear) => bridge.listen(hear);
    this.preview = (hear) => bridge.preview(hear);
  }

  watchLink(hear: (link: WireLink) => void): () => void {
    hear(this.link);
    return () => undefined;
  }

  retryNow(): void {
    // Never lost.
  }

  close(): void {
    // The window's end is the bridge's.
  }
}
