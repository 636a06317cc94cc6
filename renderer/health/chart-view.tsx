// One chart over time: uPlot draws, all charts share the cursor, markers are vertical lines. The figures above it follow the cursor.
import { useEffect, useRef } from 'react';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import type { Marker } from '../../protocol/history.ts';
import { clockTime } from '../format.ts';
import type { Chart } from './series.ts';

export interface ChartViewProps {
  chart: Chart;
  /** Seconds, one for each value. */
  times: readonly number[];
  markers: readonly Marker[];
  /** The moment looked at; null is live. */
  cursorMs: number | null;
  onPick: (atMs: number) => void;
}

const HEIGHT = 132;
/** A marker this near to the pointer is told. */
const NEAR_PX = 7;
const SYNC = 'health';

export function ChartView(props: ChartViewProps) {
  const { chart, times, markers, cursorMs } = props;
  const box = useRef<HTMLDivElement>(null);
  const legend = useRef<HTMLUListElement>(null);
  const tip = useRef<HTMLParagraphElement>(null);
  const plot = useRef<uPlot | null>(null);
  const latest = useRef(props);
  latest.current = props;
  const names = chart.lines.map(({ name }) => name).join('|');

  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const say = (u: uPlot): void => tell(u, latest.current, legend.current, tip.current);
    const made = new uPlot(
      options(latest, element.clientWidth, say),
      dataOf(latest.current.chart, latest.current.times),
      element,
    );
    plot.current = made;
    say(made);
    const watch = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height: HEIGHT }));
    watch.observe(element);
    return () => {
      watch.disconnect();
      made.destroy();
      plot.current = null;
    };
    // Other lines need another plot; everything else it reads when it draws.
  }, [names]);
  useEffect(() => {
    const made = plot.current;
    if (!made) return;
    made.setData(dataOf(chart, times));
    tell(made, latest.current, legend.current, tip.current);
  }, [chart, times]);
  useEffect(() => plot.current?.redraw(false), [markers, cursorMs]);

  return (
    <figure className="chart card" aria-label={chart.title}>
      <figcaption>
        <h2>{chart.title}</h2>
        <ul ref={legend} className="chart-legend">
          {chart.lines.map(({ name, colour, dash }) => (
            <li key={name}>
              <svg width={18} height={4} aria-hidden>
                <path d="M0 2H18" stroke={`var(${colour})`} strokeWidth={2.5} strokeDasharray={dash?.join(' ')} />
              </svg>
              {name} <strong />
            </li>
          ))}
        </ul>
      </figcaption>
      <div ref={box} className="chart-box" aria-hidden />
      <p ref={tip} className="chart-tip" hidden aria-hidden />
    </figure>
  );
}

const dataOf = (chart: Chart, times: readonly number[]): uPlot.AlignedData => [
  [...times],
  ...chart.lines.map(({ values }) => values),
];

function options(latest: { current: ChartViewProps }, width: number, say: (u: uPlot) => void): uPlot.Options {
  const { chart } = latest.current;
  const ink = colour('--soft');
  const line = colour('--line');
  const axis = {
    stroke: ink,
    font: '11px system-ui, sans-serif',
    grid: { stroke: line, width: 1 },
    ticks: { show: false },
  };
  return {
    width,
    height: HEIGHT,
    legend: { show: false },
    padding: [8, 6, 0, 0],
    cursor: { sync: { key: SYNC }, drag: { x: false, y: false }, points: { size: 6 }, y: false },
    scales: { x: { time: true }, y: { range: (_u, _least, most) => [0, topOf(chart, most)] } },
    axes: [
      {
        ...axis,
        size: 22,
        gap: 3,
        space: 70,
        // Within a few minutes the seconds tell one line from the next.
        values: (_u, splits, _axis, _space, everySeconds) =>
          splits.map((at) => clockTime(at * 1000).slice(0, everySeconds < 60 ? 8 : 5)),
      },
      { ...axis, size: 84, space: 32, values: (_u, splits) => namesOf(splits, latest.current.chart.say) },
    ],
    series: [
      {},
      ...chart.lines.map(({ name, colour: of, dash }) => ({
        label: name,
        stroke: colour(of),
        width: 1.5,
        points: { show: false },
        ...(dash ? { dash } : {}),
        ...(chart.lines.length === 1 ? { fill: `${toHex(colour(of))}22` } : {}),
      })),
    ],
    hooks: {
      draw: [(u) => drawMoments(u, latest.current)],
      setCursor: [say],
      ready: [
        (u) =>
          u.over.addEventListener('click', () => {
            const left = u.cursor.left ?? -1;
            if (left >= 0) latest.current.onPick(Math.round(u.posToVal(left, 'x')) * 1000);
          }),
      ],
    },
  };
}

/** Two lines that would have the same name have it once: a scale of less than the unit has nothing else to say. */
const namesOf = (splits: readonly number[], say: Chart['say']): string[] =>
  splits.map((value, i) => (i > 0 && say(value) === say(splits[i - 1] ?? 0) ? '' : say(value)));

/** A calm top: the next of 1, 2, 5, 10, ... so that the scale stays while values move. */
function topOf(chart: Chart, most: number | null): number {
  if (chart.top !== undefined) return chart.top;
  const wanted = Math.max(most ?? 0, 1e-3) * 1.05;
  const power = 10 ** Math.floor(Math.log10(wanted));
  return ([1, 2, 3, 5, 8, 10].find((step) => step * power >= wanted) ?? 10) * power;
}

function drawMoments(u: uPlot, { markers, cursorMs }: ChartViewProps): void {
  const { ctx, bbox } = u;
  const [least, most] = [u.scales['x']?.min ?? 0, u.scales['x']?.max ?? 0];
  const line = (atMs: number, stroke: string, dash: number[], width: number): void => {
    const at = atMs / 1000;
    if (at < least || at > most) return;
    const x = Math.round(u.valToPos(at, 'x', true)) + 0.5;
    ctx.save();
    ctx.strokeStyle = stroke;
    ctx.lineWidth = width * devicePixelRatio;
    ctx.setLineDash(dash);
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    ctx.restore();
  };
  for (const marker of markers) line(marker.atMs, colour('--line-strong'), [3, 3], 1);
  if (cursorMs !== null) line(cursorMs, colour('--accent'), [], 2);
}

/** Writes the values under the pointer, or the newest, beside the names; no drawing by React for that. */
function tell(u: uPlot, props: ChartViewProps, legend: HTMLElement | null, tip: HTMLElement | null): void {
  const { chart, times, markers } = props;
  const index = u.cursor.idx ?? times.length - 1;
  legend?.querySelectorAll('strong').forEach((element, i) => {
    const value = chart.lines[i]?.values[index];
    element.textContent = value === null || value === undefined ? 'none' : chart.say(value);
  });
  if (!tip) return;
  const left = u.cursor.left ?? -1;
  const near =
    left < 0 ? undefined : markers.find(({ atMs }) => Math.abs(u.valToPos(atMs / 1000, 'x') - left) < NEAR_PX);
  const isHere = u.over.matches(':hover');
  tip.hidden = !near || !isHere;
  if (near && isHere) {
    tip.textContent = `${clockTime(near.atMs)} ${near.text}`;
    tip.style.transform = `translateX(${Math.min(left + 72, Math.max(0, u.width - 240))}px)`;
  }
}

const colour = (name: string): string =>
  getComputedStyle(document.documentElement).getPropertyValue(name).trim() || '#888888';

const toHex = (text: string): string => (/^#[0-9a-f]{6}$/i.test(text) ? text : '#888888');
