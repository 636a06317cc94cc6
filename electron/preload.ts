// What the console's page may use of Electron: the contract's wire and nothing else. Runs sandboxed, in a world of its own.
import { contextBridge, ipcRenderer } from 'electron';
import { CHANNEL } from './names.ts';

type HearEvent = (event: string, value: unknown) => void;
type HearPicture = (data: string | ArrayBuffer) => void;

const events = new Set<HearEvent>();
const pictures = new Set<HearPicture>();

ipcRenderer.on(CHANNEL.event, (_event, name: string, value: unknown) => {
  for (const hear of events) hear(name, value);
});
ipcRenderer.on(CHANNEL.picture, (_event, data: string | Uint8Array) => {
  const given = typeof data === 'string' ? data : data.slice().buffer;
  for (const hear of pictures) hear(given);
});

contextBridge.exposeInMainWorld('p2pliveConsole', {
  call: (name: string, argument: unknown): Promise<unknown> => ipcRenderer.invoke(CHANNEL.call, name, argument),
  listen(hear: HearEvent): () => void {
    events.add(hear);
    if (events.size === 1) void ipcRenderer.invoke(CHANNEL.listen);
    return () => void events.delete(hear);
  },
  preview(hear: HearPicture): () => void {
    pictures.add(hear);
    void ipcRenderer.invoke(CHANNEL.preview, true);
    return () => {
      pictures.delete(hear);
      if (pictures.size === 0) void ipcRenderer.invoke(CHANNEL.preview, false);
    };
  },
});
