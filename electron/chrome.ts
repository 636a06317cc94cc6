// What surrounds the window: menu, tray, and keeping the machine awake while live.
import path from 'node:path';
import { app, Menu, nativeImage, powerSaveBlocker, Tray, type MenuItemConstructorOptions } from 'electron';

export interface ChromeActions {
  show: () => void;
  copyLink: () => void;
  goLive: () => void;
  stopLive: () => void;
  quit: () => void;
}

export class Chrome {
  readonly #actions: ChromeActions;
  #tray: Tray | null = null;
  #blocker: number | null = null;
  #isLive = false;

  constructor(actions: ChromeActions) {
    this.#actions = actions;
  }

  start(): void {
    const icon = nativeImage.createFromPath(path.join(app.getAppPath(), 'resources/tray.png'));
    this.#tray = new Tray(icon);
    this.#tray.setToolTip('P2PLive');
    this.#tray.on('click', () => this.#actions.show());
    this.#draw();
  }

  /** On air: no sleep until it ends. */
  setLive(isLive: boolean): void {
    if (isLive === this.#isLive) return;
    this.#isLive = isLive;
    if (isLive) this.#blocker = powerSaveBlocker.start('prevent-app-suspension');
    else if (this.#blocker !== null) {
      powerSaveBlocker.stop(this.#blocker);
      this.#blocker = null;
    }
    this.#tray?.setToolTip(isLive ? 'P2PLive: live' : 'P2PLive');
    this.#draw();
  }

  close(): void {
    this.setLive(false);
    this.#tray?.destroy();
    this.#tray = null;
  }

  #draw(): void {
    const { show, copyLink, goLive, stopLive, quit } = this.#actions;
    const live: MenuItemConstructorOptions = this.#isLive
      ? { label: 'Stop', click: stopLive }
      : { label: 'Go live', accelerator: 'CmdOrCtrl+Shift+L', click: goLive };
    const link: MenuItemConstructorOptions = {
      label: 'Copy the viewers’ link',
      accelerator: 'CmdOrCtrl+Shift+C',
      click: copyLink,
    };
    const end: MenuItemConstructorOptions = { label: 'Quit', accelerator: 'CmdOrCtrl+Q', click: quit };
    const apart: MenuItemConstructorOptions = { type: 'separator' };
    Menu.setApplicationMenu(
      Menu.buildFromTemplate([
        { label: 'P2PLive', submenu: [live, link, apart, end] },
        { role: 'editMenu' },
        { role: 'viewMenu' },
        { role: 'windowMenu' },
      ]),
    );
    this.#tray?.setContextMenu(
      Menu.buildFromTemplate([{ label: 'Open P2PLive', click: show }, live, link, apart, end]),
    );
  }
}
