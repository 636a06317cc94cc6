// Above the mesh: graph or table, which tree, search, filters, who is followed.
import { ListTree, Search, Share2, X } from 'lucide-react';
import { useId, useMemo, useState, type KeyboardEvent } from 'react';
import { choicesOf, NO_FILTERS, search } from './filter.ts';
import { count } from './figures.ts';
import { HealthMark } from './health-mark.tsx';
import { useScene } from './scene-store.ts';
import { followViewer, goTo, setFilters, useView } from './view-store.ts';

export function Toolbar() {
  const as = useView((view) => view.as);
  const follow = useView((view) => view.follow);
  return (
    <div className="mesh-toolbar" role="group" aria-label="View of the mesh">
      <div className="switch">
        <button type="button" aria-pressed={as === 'graph'} onClick={() => useView.setState({ as: 'graph' })}>
          <Share2 size={14} aria-hidden /> Graph
        </button>
        <button type="button" aria-pressed={as === 'table'} onClick={() => useView.setState({ as: 'table' })}>
          <ListTree size={14} aria-hidden /> Table
        </button>
      </div>
      <TreeChoice />
      <SearchField />
      <FilterFields />
      {follow !== null && (
        <button type="button" aria-label={`Stop following ${follow}`} onClick={() => followViewer(null)}>
          Following {follow.slice(0, 9)} <X size={13} aria-hidden />
        </button>
      )}
      <span className="space" />
      <Tally />
    </div>
  );
}

function TreeChoice() {
  const tree = useView((view) => view.tree);
  const slices = useScene((store) => store.graph.slices);
  return (
    <select
      aria-label="Tree"
      value={String(tree)}
      onChange={({ target }) => useView.setState({ tree: target.value === 'all' ? 'all' : Number(target.value) })}
    >
      <option value="all">All trees</option>
      {Array.from({ length: slices }, (_, slice) => (
        <option key={slice} value={slice}>
          Tree of slice {slice}
        </option>
      ))}
    </select>
  );
}

function FilterFields() {
  const graph = useScene((store) => store.graph);
  const filters = useView((view) => view.filters);
  const { regions, states } = useMemo(() => choicesOf(graph), [graph]);
  const isFiltered = filters.region !== '' || filters.state !== '' || filters.onlyProblems;
  return (
    <>
      <select
        aria-label="Region"
        value={filters.region}
        onChange={({ target }) => setFilters({ region: target.value })}
      >
        <option value="">Every region</option>
        {withChosen(regions, filters.region).map((region) => (
          <option key={region}>{region}</option>
        ))}
      </select>
      <select aria-label="State" value={filters.state} onChange={({ target }) => setFilters({ state: target.value })}>
        <option value="">Every state</option>
        {withChosen(states, filters.state).map((state) => (
          <option key={state}>{state}</option>
        ))}
      </select>
      <label className="row">
        <input
          type="checkbox"
          checked={filters.onlyProblems}
          onChange={({ target }) => setFilters({ onlyProblems: target.checked })}
        />
        Problems only
      </label>
      <button type="button" className="quiet" hidden={!isFiltered} onClick={() => setFilters(NO_FILTERS)}>
        Clear
      </button>
    </>
  );
}

/** What is chosen stays in the list even when nobody is there any more. */
const withChosen = (all: readonly string[], chosen: string): readonly string[] =>
  chosen === '' || all.includes(chosen) ? all : [...all, chosen];

function SearchField() {
  const [words, setWords] = useState('');
  const [at, setAt] = useState(0);
  const graph = useScene((store) => (words === '' ? null : store.graph));
  const { found, count: hits } = useMemo(() => (graph ? search(graph, words) : NOTHING), [graph, words]);
  const id = useId();
  const marked = found[Math.min(at, found.length - 1)];
  const take = (node: string): void => {
    goTo(node);
    setWords('');
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === 'Escape') setWords('');
    else if (event.key === 'Enter' && marked) take(marked.id);
    else if (event.key === 'ArrowDown') setAt(Math.min(at + 1, found.length - 1));
    else if (event.key === 'ArrowUp') setAt(Math.max(0, at - 1));
    else return;
    event.preventDefault();
  };
  const isOpen = words.trim() !== '';
  return (
    <div className="mesh-search">
      <Search size={14} aria-hidden />
      <input
        type="search"
        role="combobox"
        aria-label="Search the mesh"
        aria-expanded={isOpen && found.length > 0}
        aria-controls={`${id}-found`}
        aria-activedescendant={isOpen && marked ? `${id}-${marked.id}` : undefined}
        aria-autocomplete="list"
        placeholder="Id, address or state"
        value={words}
        onChange={({ target }) => {
          setWords(target.value);
          setAt(0);
        }}
        onKeyDown={onKeyDown}
      />
      <ul id={`${id}-found`} role="listbox" aria-label="Found" hidden={!isOpen || found.length === 0}>
        {found.map((node) => (
          <li
            key={node.id}
            id={`${id}-${node.id}`}
            role="option"
            aria-selected={node === marked}
            onMouseDown={(event) => {
              event.preventDefault();
              take(node.id);
            }}
          >
            <HealthMark health={node.health} />
            <span className="mono">{node.kind === 'viewer' ? node.key : node.name}</span>
            <span className="soft small">
              {node.kind}, {node.state}
            </span>
          </li>
        ))}
      </ul>
      <span className="hits small" role="status">
        {isOpen && (hits === 0 ? 'nothing found' : hits > found.length ? `${found.length} of ${count(hits)}` : '')}
      </span>
    </div>
  );
}

const NOTHING = { found: [], count: 0 };

/** As Health counts them. */
function Tally() {
  const total = useScene((store) => store.scene.audience.total);
  const matching = useScene((store) => store.scene.audience.matching);
  return (
    <span className="soft" role="status">
      {matching === total ? count(total) : `${count(matching)} of ${count(total)}`} {total === 1 ? 'viewer' : 'viewers'}
    </span>
  );
}
