// The only file that touches ipcMain. It carries the console's contract between windows of ours and the plane: the same dispatch as
// the WebSocket's, and a check that the sender is our own page.
import { ipcMain, type IpcMainInvokeEvent, type WebContents } from 'electron';
import type { ConsolePlane } from '../servers/control/console-server.ts';
import { CHANNEL, ORIGIN } from './names.ts';

export class ConsoleIpc {
  readonly #plane: ConsolePlane;
  /** Stops what each page hears. */
  readonly #stops = new Map<number, (() => void)[]>();

  constructor(plane: ConsolePlane) {
    this.#plane = plane;
    ipcMain.handle(CHANNEL.call, (event, name: unknown, argument: unknown) => {
      if (!isOurs(event)) return { ok: false, reason: 'bad-call', detail: 'Only the console’s own page may call.' };
      return this.#plane.call(name, argument);
    });
    ipcMain.handle(CHANNEL.listen, (event) => {
      if (isOurs(event)) this.#listen(event.sender);
    });
    ipcMain.handle(CHANNEL.preview, (event, on: unknown) => {
      if (isOurs(event)) this.#preview(event.sender, on === true);
    });
  }

  close(): void {
    for (const channel of Object.values(CHANNEL)) ipcMain.removeHandler(channel);
    for (const stops of this.#stops.values()) for (const stop of stops) stop();
    this.#stops.clear();
  }

  /** A page that loads again begins anew. */
  forget(page: number): void {
    for (const stop of this.#stops.get(page) ?? []) stop();
    this.#stops.delete(page);
    this.#previews.delete(page);
  }

  readonly #previews = new Map<number, () => void>();

  #listen(page: WebContents): void {
    this.forget(page.id);
    const stop = this.#plane.listen((name, value) => {
      if (!page.isDestroyed()) page.send(CHANNEL.event, name, value);
    });
    this.#keep(page, stop);
  }

  #preview(page: WebContents, on: boolean): void {
    this.#previews.get(page.id)?.();
    this.#previews.delete(page.id);
    if (!on) return;
    const stop = this.#plane.preview((data) => {
      if (!page.isDestroyed()) page.send(CHANNEL.picture, data);
    });
    this.#previews.set(page.id, stop);
    this.#keep(page, stop);
  }

  #keep(page: WebContents, stop: () => void): void {
    const { id } = page;
    if (!this.#stops.has(id)) {
      this.#stops.set(id, []);
      page.once('destroyed', () => this.forget(id));
    }
    this.#stops.get(id)?.push(stop);
  }
}

/** The main frame of a page that we served. */
export function isOurs(event: IpcMainInvokeEvent): boolean {
  const frame = event.senderFrame;
  return frame !== null && frame.parent === null && frame.url.startsWith(`${ORIGIN}/`);
}
