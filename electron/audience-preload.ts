// What the page of a hidden window may use of Electron: to hear what audience it is to be, to tell what it sees, and to ask the servers for
// their counters. Runs sandboxed, in a world of its own.
import { contextBridge, ipcRenderer } from 'electron';
import { AUDIENCE } from './names.ts';

contextBridge.exposeInMainWorld('p2pliveAudience', {
  start: (): Promise<unknown> => ipcRenderer.invoke(AUDIENCE.start),
  tell: (line: string): Promise<unknown> => ipcRenderer.invoke(AUDIENCE.tell, line),
  read: (url: string): Promise<unknown> => ipcRenderer.invoke(AUDIENCE.read, url),
  ended: (problem: string | null): Promise<unknown> => ipcRenderer.invoke(AUDIENCE.ended, problem),
  onOrder: (hear: (order: string) => void): void =>
    void ipcRenderer.on(AUDIENCE.order, (_event, order: string) => hear(order)),
  onStop: (hear: () => void): void => void ipcRenderer.on(AUDIENCE.stop, () => hear()),
});
