// What each call of the console's contract does (protocol/control.ts). Arguments are checked already (dispatch.ts).
import type { PlaneState } from '../../protocol/control.ts';
import type { Capture } from './capture/capture.ts';
import type { CallTable } from './dispatch.ts';
import { badCall, done, notNow } from './dispatch.ts';
import type { History } from './history.ts';
import type { LogBook } from './log-book.ts';
import type { Mesh } from './mesh.ts';
import type { Programs } from './programs.ts';
import type { Rehearsal } from './rehearsal/rehearsal.ts';
import { newStreamKey, type SavedState } from './saved.ts';
import type { SettingsDesk } from './settings-desk.ts';
import { endViewer } from './viewer-end.ts';

/** The control plane as its calls see it. */
interface CallsOwner {
  readonly saved: SavedState;
  readonly desk: SettingsDesk;
  readonly programs: Programs;
  readonly capture: Capture;
  readonly mesh: Mesh;
  readonly history: History;
  readonly logs: LogBook;
  readonly rehearsal: Rehearsal;
  getState(): PlaneState;
  /** Where live goes now; null while the servers start. */
  target(): { url: string } | null;
  /** The programs that saving these texts would end. */
  changedBy(texts: Readonly<Record<string, string>>): string[];
  /** After a change of what was saved. @returns the programs that ended for it */
  applySettings(): Promise<string[]>;
  showSystems(): void;
  isOwn(base: string): boolean;
}

const MAX_REMOTES = 16;

export function consoleCalls(plane: CallsOwner): CallTable {
  const { saved, capture, programs, desk } = plane;
  const program = (name: string): ReturnType<typeof programs.get> => programs.get(name);
  return {
    getState: () => ({ ok: true, value: plane.getState() }),
    listDevices: async () => ({ ok: true, value: await capture.listDevices() }),
    async setSource(ask) {
      const outcome = await capture.setSource(ask);
      if (outcome.ok) saved.change({ source: ask.source, preset: ask.preset });
      return outcome;
    },
    stopPreview: () => capture.stopPreview(),
    goLive() {
      if (plane.target() === null) return notNow('The servers are still starting.');
      return capture.goLive();
    },
    stopLive: () => capture.stopLive(),
    reconnectNow: () => capture.reconnectNow(),
    setRecording: (ask) => capture.setRecording(ask),
    async setDestination({ to, coordinate, key }) {
      const before = saved.value;
      if (to === 'server') {
        if (coordinate === undefined) return badCall('Give the address of your server’s coordinate.');
        const base = coordinate.replace(/\/+$/, '');
        if (!/^https?:/.test(base)) return badCall('A coordinate’s address begins with http:// or https://.');
        const kept = before.server?.coordinate === base ? before.server.key : undefined;
        const given = key === undefined || key === '' ? kept : key;
        saved.change({ destination: to, server: { coordinate: base, ...(given === undefined ? {} : { key: given }) } });
      } else saved.change({ destination: to });
      const wasOpen = before.destination === 'network';
      if (wasOpen !== (to === 'network')) await plane.applySettings();
      else {
        plane.showSystems();
        await capture.targetChanged();
      }
      return done;
    },
    startProgram({ name }) {
      const one = program(name);
      if (!one) return badCall(`There is no program ${name}.`);
      one.start();
      return done;
    },
    async stopProgram({ name }) {
      const one = program(name);
      if (!one) return badCall(`There is no program ${name}.`);
      await one.stop();
      return done;
    },
    async restartProgram({ name }) {
      const one = program(name);
      if (!one) return badCall(`There is no program ${name}.`);
      await one.restart();
      return done;
    },
    async disconnectViewer({ viewer }) {
      const row = plane.mesh.view.tables['viewers']?.[viewer];
      const base = plane.mesh.view.tables['trackers']?.[String(row?.['tracker'])]?.['base'];
      if (!row || typeof base !== 'string') return badCall(`Viewer ${viewer} is not there any more.`);
      const token = plane.isOwn(base) ? programs.meshSecret : plane.mesh.tokenFor(base);
      const problem = await endViewer(base, viewer, token);
      return problem === null ? done : { ok: false, reason: 'failed', detail: problem };
    },
    startAudience: (ask) => plane.rehearsal.startAudience(ask),
    stopAudience: () => plane.rehearsal.stopAudience(),
    startDrill: ({ name }) => plane.rehearsal.startDrill(name),
    addRemote({ coordinate, token }) {
      const base = coordinate.replace(/\/+$/, '');
      if (!/^https?:/.test(base)) return badCall('A coordinate’s address begins with http:// or https://.');
      const others = saved.value.remotes.filter((one) => one.coordinate !== base);
      if (others.length >= MAX_REMOTES)
        return notNow(`At most ${MAX_REMOTES} other systems are shown; remove one first.`);
      const secret = token === undefined || token === '' ? {} : { token };
      saved.change({ remotes: [...others, { coordinate: base, ...secret }] });
      plane.showSystems();
      return done;
    },
    removeRemote({ coordinate }) {
      saved.change({ remotes: saved.value.remotes.filter((one) => one.coordinate !== coordinate) });
      plane.showSystems();
      return done;
    },
    async newStreamKey() {
      if (desk.isGiven('stream-key'))
        return notNow('The stream key was given when the program was started; change it there.');
      const { 'stream-key': _old, ...settings } = saved.value.settings;
      saved.change({ streamKey: newStreamKey(), settings });
      await plane.applySettings();
      return done;
    },
    getSettings: () => ({ ok: true, value: desk.rows(saved.value.settings) }),
    checkSettings({ values }) {
      const next = desk.change(saved.value.settings, values);
      if (typeof next === 'string') return badCall(next);
      return { ok: true, value: { interrupted: plane.changedBy(next) } };
    },
    async saveSettings({ values }) {
      const next = desk.change(saved.value.settings, values);
      if (typeof next === 'string') return badCall(next);
      if (JSON.stringify(next) === JSON.stringify(saved.value.settings))
        return { ok: true, value: { interrupted: [] } };
      saved.change({ settings: next });
      return { ok: true, value: { interrupted: await plane.applySettings() } };
    },
    getMesh: () => ({ ok: true, value: plane.mesh.view }),
    getMeshAt({ atMs }) {
      const found = plane.history.meshAt(atMs);
      return found ? { ok: true, value: found } : notNow('Nothing is remembered yet.');
    },
    getHistory: ({ fromMs, toMs }) => ({ ok: true, value: plane.history.between(fromMs, toMs) }),
    getLogs: ({ toMs, most }) => ({ ok: true, value: plane.logs.list(most, toMs) }),
  };
}
