// Thousands of lines in a window of some dozens: rows of one height, only those in sight are drawn. Sticks to the bottom until
// somebody scrolls up.
import { useEffect, useLayoutEffect, useRef, useState, type KeyboardEvent } from 'react';
import type { LogLine } from '../../protocol/control.ts';
import { clockTime } from '../format.ts';
import { StateMark, type Tone } from '../state-mark.tsx';
import { highlight, levelName } from './filter.ts';

export const ROW_PX = 22;
/** Rows drawn beyond the edges, so that a quick scroll shows no gap. */
const SPARE_ROWS = 12;

export function LineList({
  lines,
  searched,
  isSticking,
  setSticking,
  chosen,
  choose,
}: {
  lines: readonly LogLine[];
  searched: string;
  isSticking: boolean;
  setSticking: (isSticking: boolean) => void;
  /** Serial of the line shown whole. */
  chosen: number | null;
  choose: (line: LogLine) => void;
}) {
  const box = useRef<HTMLDivElement>(null);
  const [view, setView] = useState({ top: 0, height: 600 });
  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const observer = new ResizeObserver(() => setView((now) => ({ ...now, height: element.clientHeight })));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  const before = useRef(lines);
  useLayoutEffect(() => {
    const element = box.current;
    const gone = before.current.findIndex((line) => line.serial === lines[0]?.serial);
    before.current = lines;
    if (!element) return;
    if (isSticking) element.scrollTop = element.scrollHeight;
    // The oldest lines were let go: what is read stays where it is.
    else if (gone > 0) element.scrollTop -= gone * ROW_PX;
  }, [lines, isSticking, view.height]);
  const press = (event: KeyboardEvent): void => {
    const at = lines.findIndex((line) => line.serial === chosen);
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
    const next = event.key === 'Enter' ? Math.ceil(view.top / ROW_PX) : at >= 0 && step !== 0 ? at + step : -1;
    const line = lines[next];
    if (!line || !box.current) return;
    event.preventDefault();
    choose(line);
    const { scrollTop, clientHeight } = box.current;
    if (next * ROW_PX < scrollTop) box.current.scrollTop = next * ROW_PX;
    else if ((next + 1) * ROW_PX > scrollTop + clientHeight) box.current.scrollTop = (next + 1) * ROW_PX - clientHeight;
  };
  const first = Math.max(0, Math.floor(view.top / ROW_PX) - SPARE_ROWS);
  const last = Math.min(lines.length, Math.ceil((view.top + view.height) / ROW_PX) + SPARE_ROWS);
  return (
    <div
      ref={box}
      className="log-box"
      // Scrolled by keys too: the box itself takes the focus.
      tabIndex={0}
      role="log"
      aria-live="off"
      aria-label={`Log, ${lines.length} lines. Enter opens a line, arrows move on.`}
      onKeyDown={press}
      onScroll={({ currentTarget: at }) => {
        setView({ top: at.scrollTop, height: at.clientHeight });
        setSticking(at.scrollHeight - at.scrollTop - at.clientHeight < ROW_PX);
      }}
    >
      <div style={{ height: lines.length * ROW_PX, position: 'relative' }}>
        <div style={{ transform: `translateY(${first * ROW_PX}px)` }}>
          {lines.slice(first, last).map((line) => (
            <LogRow
              key={line.serial}
              line={line}
              searched={searched}
              isChosen={line.serial === chosen}
              choose={() => choose(line)}
            />
          ))}
        </div>
      </div>
    </div>
  );
}

const toneOf = (level: number): Tone => (level >= 50 ? 'bad' : level >= 40 ? 'warn' : 'idle');

function LogRow({
  line,
  searched,
  isChosen,
  choose,
}: {
  line: LogLine;
  searched: string;
  isChosen: boolean;
  choose: () => void;
}) {
  return (
    <div className="log-row" data-tone={toneOf(line.level)} data-chosen={isChosen} onClick={choose}>
      <time dateTime={new Date(line.atMs).toISOString()}>{clockTime(line.atMs)}</time>
      <StateMark tone={toneOf(line.level)} size={9}>
        {levelName(line.level)}
      </StateMark>
      <span className="log-program">{line.program}</span>
      <span className="log-text">
        {highlight(line.text, searched).map((part, i) =>
          part.isHit ? <mark key={i}>{part.text}</mark> : <span key={i}>{part.text}</span>,
        )}
      </span>
    </div>
  );
}
