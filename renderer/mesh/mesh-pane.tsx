// The Mesh pane: toolbar, graph or table, details. Shows the moment looked at, and says so when that is in the past.
import { useEffect, useRef } from 'react';
import { useConsole } from '../stores.ts';
import { Inspector } from './inspector.tsx';
import { MeshGraph } from './mesh-graph.tsx';
// All parts of the pane's style, after React Flow's own, which the graph brings.
import './mesh.css';
import './nodes.css';
import './edges.css';
import './map.css';
import './inspector.css';
import './tree-table.css';
import { Moment } from './moment.tsx';
import { SceneKeeper, useScene } from './scene-store.ts';
import { Toolbar } from './toolbar.tsx';
import { TreeTable } from './tree-table.tsx';
import { setFilters, useView } from './view-store.ts';
import { NO_FILTERS } from './filter.ts';

export function MeshPane() {
  const keeper = useRef<SceneKeeper>(null);
  useEffect(() => {
    const scene = new SceneKeeper();
    keeper.current = scene;
    scene.open();
    return () => scene.close();
  }, []);
  const as = useView((view) => view.as);
  const isEmpty = useScene((store) => store.graph.servers.length === 0 && store.scene.total === 0);
  return (
    <section className="pane fill mesh-pane" aria-labelledby="mesh-title">
      <div className="mesh-head">
        <h1 id="mesh-title">Mesh</h1>
        <Toolbar />
      </div>
      <div className="mesh-body">
        <div className="mesh-stage card">
          <Moment />
          {isEmpty ? <Empty /> : as === 'graph' ? <MeshGraph onTidy={() => keeper.current?.tidy()} /> : <TreeTable />}
          {!isEmpty && <Overlay />}
        </div>
        <Inspector />
      </div>
    </section>
  );
}

/** Before anything is there: what is being waited for. */
function Empty() {
  const isLoaded = useScene((store) => store.isLoaded);
  const connection = useConsole((store) => store.connection);
  if (connection === 'lost')
    return <p className="empty">Disconnected: the mesh appears when the control plane answers.</p>;
  if (!isLoaded) return <p className="empty">Reading the mesh.</p>;
  return (
    <div className="empty">
      <p>No server is running, so there is no mesh yet.</p>
      <p>Go live on the Broadcast pane, or add a remote system in Settings.</p>
    </div>
  );
}

/** One line over the graph while there is nobody to show. */
function Overlay() {
  const total = useScene((store) => store.scene.total);
  const matching = useScene((store) => store.scene.matching);
  if (matching > 0) return null;
  return (
    <div className="mesh-overlay note">
      {total === 0 ? (
        <span>Nobody watches yet. Viewers appear here as they join.</span>
      ) : (
        <>
          <span>No viewer matches the filters.</span>
          <button type="button" onClick={() => setFilters(NO_FILTERS)}>
            Clear filters
          </button>
        </>
      )}
    </div>
  );
}
