// The shell: rail with the panes' links, the pane chosen, what is wrong with the connection. Which pane is open is remembered.
import { Activity, RadioTower, ScrollText, Settings, Share2, Siren, Users } from 'lucide-react';
import { lazy, Suspense, useEffect, useState, type ComponentType, type MouseEvent } from 'react';
import { MonitorBox } from './broadcast/monitor-box.tsx';
import { ConnectionBanner, Gate } from './connection.tsx';
import { PaneGuard } from './pane-guard.tsx';
import { RailFoot } from './rail-foot.tsx';
import { useConsole } from './stores.ts';
import type { LinkedWire } from './wire/web-wire.ts';

/** Each pane is a file of its own; the first is shown before the others have come. */
const LOADS = {
  broadcast: async () => ({ default: (await import('./broadcast/broadcast-pane.tsx')).BroadcastPane }),
  mesh: async () => ({ default: (await import('./mesh/mesh-pane.tsx')).MeshPane }),
  health: async () => ({ default: (await import('./health/health-pane.tsx')).HealthPane }),
  audience: async () => ({ default: (await import('./rehearsal/audience-pane.tsx')).AudiencePane }),
  drill: async () => ({ default: (await import('./rehearsal/drill-pane.tsx')).DrillPane }),
  logs: async () => ({ default: (await import('./logs/logs-pane.tsx')).LogsPane }),
  settings: async () => ({ default: (await import('./settings/settings-pane.tsx')).SettingsPane }),
  scrubber: async () => ({ default: (await import('./health/time-scrubber.tsx')).TimeScrubber }),
};
const BroadcastPane = lazy(LOADS.broadcast);
const MeshPane = lazy(LOADS.mesh);
const HealthPane = lazy(LOADS.health);
const AudiencePane = lazy(LOADS.audience);
const DrillPane = lazy(LOADS.drill);
const LogsPane = lazy(LOADS.logs);
const SettingsPane = lazy(LOADS.settings);
const TimeScrubber = lazy(LOADS.scrubber);

/** Then they are there when they are wanted, even if the plane has been updated or has gone meanwhile. */
function loadAllPanes(): void {
  for (const load of Object.values(LOADS)) load().catch(() => undefined); // the pane's guard says it when it matters
}

interface PaneEntry {
  id: string;
  name: string;
  Icon: ComponentType<{ size?: number; 'aria-hidden'?: boolean }>;
  Pane: ComponentType;
  /** Has something to show of the past. */
  hasTime: boolean;
}

const PANES: readonly PaneEntry[] = [
  { id: 'broadcast', name: 'Broadcast', Icon: RadioTower, Pane: BroadcastPane, hasTime: false },
  { id: 'mesh', name: 'Mesh', Icon: Share2, Pane: MeshPane, hasTime: true },
  { id: 'health', name: 'Health', Icon: Activity, Pane: HealthPane, hasTime: true },
  { id: 'audience', name: 'Audience', Icon: Users, Pane: AudiencePane, hasTime: false },
  { id: 'drill', name: 'Drill', Icon: Siren, Pane: DrillPane, hasTime: false },
  { id: 'logs', name: 'Logs', Icon: ScrollText, Pane: LogsPane, hasTime: true },
  { id: 'settings', name: 'Settings', Icon: Settings, Pane: SettingsPane, hasTime: false },
];
const KEPT_AS = 'p2plive-pane';

const firstPane = (): string => {
  const asked = new URLSearchParams(location.search).get('pane') ?? localStorage.getItem(KEPT_AS);
  return PANES.find((pane) => pane.id === asked)?.id ?? 'broadcast';
};

export function App({ wire }: { wire: LinkedWire | null }) {
  const connection = useConsole((store) => store.connection);
  const isLoaded = useConsole((store) => store.state !== null);
  const [open, setOpen] = useState(firstPane);
  const go = (id: string) => (event: MouseEvent) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    localStorage.setItem(KEPT_AS, id);
    setOpen(id);
  };
  const pane = PANES.find((one) => one.id === open);
  useEffect(() => {
    document.title = `${pane?.name ?? 'Console'} - P2PLive`;
  }, [pane]);

  const isShut = connection === 'no-token' || connection === 'refused';
  useEffect(() => {
    if (!isShut) loadAllPanes();
  }, [isShut]);

  if (isShut) return <Gate />;
  return (
    <div className="app">
      <header className="rail">
        <div className="brand">
          <img src={new URL('icon.svg', import.meta.url).href} width={22} height={22} alt="" />
          <span>P2PLive</span>
        </div>
        <nav aria-label="Panes">
          <ul>
            {PANES.map(({ id, name, Icon }) => (
              <li key={id}>
                <a href={`?pane=${id}`} aria-current={id === open ? 'page' : undefined} onClick={go(id)}>
                  <Icon size={16} aria-hidden />
                  {name}
                </a>
              </li>
            ))}
          </ul>
        </nav>
        <MonitorBox />
        <RailFoot />
      </header>
      <div className="main">
        <ConnectionBanner wire={wire} />
        <main aria-busy={!isLoaded}>
          <PaneGuard pane={open}>
            <Suspense fallback={<p className="empty">Loading.</p>}>{pane && <pane.Pane />}</Suspense>
          </PaneGuard>
        </main>
        {pane?.hasTime && (
          <PaneGuard pane="time">
            <Suspense fallback={null}>
              <TimeScrubber />
            </Suspense>
          </PaneGuard>
        )}
      </div>
    </div>
  );
}
