// The time scrubber below the panes that can look back: drag it or use the arrow keys; graph, charts and logs follow.
import { ChevronLeft, ChevronRight } from 'lucide-react';
import { useMemo, type CSSProperties } from 'react';
import { clockTime } from '../format.ts';
import { StateMark } from '../state-mark.tsx';
import { lookAt, useHistory } from '../stores.ts';
import { lastMarker, markerBeside, outlineOf, scaleOf, ticksOf } from './time-scale.ts';
import './time-scrubber.css';

const STEP_MS = 1_000;

export function TimeScrubber() {
  const samples = useHistory((history) => history.samples);
  const markers = useHistory((history) => history.markers);
  const cursorMs = useHistory((history) => history.cursorMs);
  const scale = useMemo(() => scaleOf(samples), [samples]);
  const outline = useMemo(() => (scale ? outlineOf(samples, scale) : ''), [samples, scale]);
  const ticks = useMemo(() => (scale ? ticksOf(markers, scale) : []), [markers, scale]);
  if (!scale) return null;
  const { fromMs, toMs } = scale;
  const atMs = Math.min(toMs, Math.max(fromMs, cursorMs ?? toMs));
  const isLive = cursorMs === null;
  const before = markerBeside(markers, atMs, -1);
  const after = isLive ? null : markerBeside(markers, atMs, 1);
  const told = isLive ? (markers.at(-1) ?? null) : lastMarker(markers, atMs);
  const share = (atMs - fromMs) / (toMs - fromMs);
  return (
    <section className="scrubber" aria-label="Time">
      <div className="scrubber-now">
        <StateMark tone={isLive ? 'good' : 'warn'}>{isLive ? 'Live' : clockTime(atMs)}</StateMark>
        <button type="button" disabled={isLive} onClick={() => lookAt(null)}>
          Back to live
        </button>
      </div>
      <div className="row scrubber-events">
        <button
          type="button"
          className="quiet"
          aria-label="Event before"
          title={before ? `${clockTime(before.atMs)} ${before.text}` : 'No event before'}
          disabled={!before}
          onClick={() => before && lookAt(before.atMs)}
        >
          <ChevronLeft size={16} aria-hidden />
        </button>
        <button
          type="button"
          className="quiet"
          aria-label="Event after"
          title={after ? `${clockTime(after.atMs)} ${after.text}` : 'No event after'}
          disabled={!after}
          onClick={() => after && lookAt(after.atMs)}
        >
          <ChevronRight size={16} aria-hidden />
        </button>
      </div>
      <div className="scrubber-track" style={{ '--at': share } as CSSProperties}>
        <svg viewBox="0 0 300 100" preserveAspectRatio="none" aria-hidden>
          <path d={outline} />
        </svg>
        {ticks.map(({ key, at, kind }) => (
          <i key={key} data-kind={kind} style={{ left: `${at * 100}%` }} aria-hidden />
        ))}
        <span className="scrubber-thumb" data-live={isLive} aria-hidden />
        <input
          type="range"
          aria-label="Moment"
          aria-valuetext={isLive ? 'Live' : clockTime(atMs)}
          min={fromMs}
          max={toMs}
          step={STEP_MS}
          value={atMs}
          onChange={({ target }) => {
            const wanted = Number(target.value);
            lookAt(wanted > toMs - STEP_MS ? null : wanted);
          }}
        />
        <span className="scrubber-end">{clockTime(fromMs)}</span>
        <span className="scrubber-end">{clockTime(toMs)}</span>
      </div>
      <p className="scrubber-told small" role="status">
        {told === null ? 'No event near this moment.' : `${clockTime(told.atMs)} ${told.text}`}
      </p>
    </section>
  );
}
