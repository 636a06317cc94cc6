// The Logs pane: every program's lines, filtered, searched, copied; live or as they stood at the moment looked at.
import { useMemo, useState } from 'react';
import type { LogLine } from '../../protocol/control.ts';
import { CopyButton } from '../copy-button.tsx';
import { clockTime, count } from '../format.ts';
import { useConsole } from '../stores.ts';
import { asText, filterLines, LEVELS, programsIn } from './filter.ts';
import { LineList } from './line-list.tsx';
import './logs.css';
import { useLines } from './use-lines.ts';

export function LogsPane() {
  const { lines, isLoaded, cursorMs } = useLines();
  const connection = useConsole((store) => store.connection);
  const [program, setProgram] = useState('');
  const [level, setLevel] = useState(30);
  const [text, setText] = useState('');
  const [isSticking, setSticking] = useState(true);
  const [chosen, setChosen] = useState<LogLine | null>(null);
  const shown = useMemo(() => filterLines(lines, { program, level, text }), [lines, program, level, text]);
  const programs = useMemo(() => programsIn(lines), [lines]);
  return (
    <section className="pane fill logs" aria-labelledby="logs-title">
      <h1 id="logs-title" className="sr-only">
        Logs
      </h1>
      <div className="log-bar" role="search" aria-label="Filter the log">
        <label className="field grow">
          <span>Search</span>
          <input type="search" value={text} onChange={(event) => setText(event.target.value)} placeholder="Text" />
        </label>
        <label className="field">
          <span>Program</span>
          <select value={program} onChange={(event) => setProgram(event.target.value)}>
            <option value="">All programs</option>
            {[...new Set([...programs, ...(program === '' ? [] : [program])])].map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </label>
        <label className="field">
          <span>Level</span>
          <select value={level} onChange={(event) => setLevel(Number(event.target.value))}>
            {LEVELS.map((one) => (
              <option key={one.level} value={one.level}>
                {one.level === 20 ? 'Everything' : `${one.name} and worse`}
              </option>
            ))}
          </select>
        </label>
        <span className="space" />
        <p className="soft log-count" role="status">
          {cursorMs === null ? '' : `Up to ${clockTime(cursorMs)}: `}
          {shown.length === lines.length
            ? count(lines.length, 'line')
            : `${shown.length.toLocaleString('en')} of ${count(lines.length, 'line')}`}
        </p>
        <CopyButton text={() => asText(shown)} what="the lines shown" label="Copy" />
        <button type="button" aria-pressed={isSticking} onClick={() => setSticking(!isSticking)}>
          Follow
        </button>
      </div>
      {shown.length === 0 ? (
        <p className="empty card log-empty" role="status">
          {emptyWords(connection, isLoaded, lines.length > 0)}
        </p>
      ) : (
        <LineList
          lines={shown}
          searched={text}
          isSticking={isSticking}
          setSticking={setSticking}
          chosen={chosen?.serial ?? null}
          choose={setChosen}
        />
      )}
      {chosen && (
        <div className="card stack log-detail">
          <div className="row">
            <h2>
              {chosen.program}, {new Date(chosen.atMs).toLocaleString('en-GB')}
            </h2>
            <span className="space" />
            <CopyButton text={asText([chosen])} what="this line" />
            <button type="button" onClick={() => setChosen(null)}>
              Close
            </button>
          </div>
          <p className="mono">{chosen.text}</p>
        </div>
      )}
    </section>
  );
}

function emptyWords(connection: string, isLoaded: boolean, isFiltered: boolean): string {
  if (isFiltered) return 'No line matches. Choose a lower level or clear the search.';
  if (isLoaded) return 'Nothing has been logged yet.';
  return connection === 'lost' ? 'Waiting for the control plane to come back.' : 'Reading the log.';
}
