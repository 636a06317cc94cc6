// The Settings pane: programs, who can watch, keys, remote systems, and every setting by group.
import { PlaneNotes } from '../plane-notes.tsx';
import { useConsole } from '../stores.ts';
import { AboutCard } from './about-card.tsx';
import { KeyCard } from './key-card.tsx';
import { ProgramsCard } from './programs-card.tsx';
import { RemotesCard } from './remotes-card.tsx';
import { ScopeCard } from './scope-card.tsx';
import { SettingsForm } from './settings-form.tsx';
import './settings.css';

export function SettingsPane() {
  const isLoaded = useConsole((store) => store.state !== null);
  return (
    <section className="pane settings" aria-labelledby="settings-title">
      <h1 id="settings-title" className="sr-only">
        Settings
      </h1>
      <PlaneNotes />
      {isLoaded ? (
        <div className="settings-columns">
          <div className="stack">
            <ProgramsCard />
            <SettingsForm />
          </div>
          <div className="stack">
            <ScopeCard />
            <KeyCard />
            <RemotesCard />
            <AboutCard />
          </div>
        </div>
      ) : (
        <p className="empty card" role="status">
          Asking the control plane.
        </p>
      )}
    </section>
  );
}
