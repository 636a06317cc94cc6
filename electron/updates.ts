// Updates from published releases: wired, and off until there is somewhere to publish to (P2PLIVE_UPDATES=on, in a packaged app).
import { app } from 'electron';
import type { Log } from '../servers/shared/log.ts';

export function checkForUpdates(log: Pick<Log, 'warn' | 'info'>): void {
  if (!app.isPackaged || process.env['P2PLIVE_UPDATES'] !== 'on') return;
  import('electron-updater')
    .then(async ({ default: { autoUpdater } }) => {
      autoUpdater.autoDownload = false;
      const found = await autoUpdater.checkForUpdates();
      if (found?.isUpdateAvailable) log.info({ version: found.updateInfo.version }, 'a newer release is there');
    })
    .catch((error: unknown) => log.warn({ err: error }, 'could not ask for updates'));
}
