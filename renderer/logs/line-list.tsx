// Thousands of lines in a window of some dozens: rows of one height, only those in sight are drawn. Sticks to the bottom until
// somebody scrolls up.
import { useEffect, useLayoutEffect, useRef, useState, type KeyboardEvent } from 'react';
import type { LogLine } from '../../protocol/control.ts';
import { clockTime } from '../format.ts';
import { StateMark, type Tone } from '../state-mark.tsx';
import { highlight, levelName } from './filter.ts';

/** A line is a row; where that has no room, its text stands below the rest, in up to two lines. The style sheet has the same heights. */
const ROW_PX = 22;
const TALL_ROW_PX = 62;
const NARROW_PX = 640;
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
  const [view, setView] = useState({ top: 0, height: 600, isNarrow: false });
  const rowPx = view.isNarrow ? TALL_ROW_PX : ROW_PX;
  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const observer = new ResizeObserver(() =>
      setView((now) => ({
        ...now,
        height: element.clientHeight,
        isNarrow: element.clientWidth < NARROW_PX,
      })),
    );
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
    else if (gone > 0) element.scrollTop -= gone * rowPx;
  }, [lines, isSticking, view.height, rowPx]);
  const press = (event: KeyboardEvent): void => {
    const at = lines.findIndex((line) => line.serial === chosen);
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
    const next = event.key === 'Enter' ? Math.ceil(view.top / rowPx) : at >= 0 && step !== 0 ? at + step : -1;
    const line = lines[next];
    if (!line || !box.current) return;
    event.preventDefault();
    choose(line);
    const { scrollTop, clientHeight } = box.current;
    if (next * rowPx < scrollTop) box.current.scrollTop = next * rowPx;
    else if ((next + 1) * rowPx > scrollTop + clientHeight) box.current.scrollTop = (next + 1) * rowPx - clientHeight;
  };
  const first = Math.max(0, Math.floor(view.top / rowPx) - SPARE_ROWS);
  const last = Math.min(lines.length, Math.ceil((view.top + view.height) / rowPx) + SPARE_ROWS);
  return (
    <div
      ref={box}
      className="log-box"
      data-narrow={view.isNarrow}
      // Scrolled by keys too: the box itself takes the focus.
      tabIndex={0}
      role="log"
      aria-live="off"
      aria-label={`Log, ${lines.length} lines. Enter opens a line, arrows move on.`}
      onKeyDown={press}
      onScroll={({ currentTarget: at }) => {
        setView((now) => ({ ...now, top: at.scrollTop, height: at.clientHeight }));
        setSticking(at.scrollHeight - at.scrollTop - at.clientHeight < rowPx);
      }}
    >
      <div style={{ height: lines.length * rowPx, position: 'relative' }}>
        <div style={{ transform: `translateY(${first * rowPx}px)` }}>
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
