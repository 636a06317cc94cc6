// The Health pane: what is wrong and what to do, the newest figures, and how they came about. Charts or a table with the same numbers.
import { ChartLine, Table } from 'lucide-react';
import { useEffect, useMemo, useState } from 'react';
import { Moment } from '../mesh/moment.tsx';
import { StateMark, type Tone } from '../state-mark.tsx';
import { lookAt, useConsole, useHistory, useMesh } from '../stores.ts';
import { useTheme } from '../theme.ts';
import { adviceFor, type Advice, type Severity, type Situation } from './advice.ts';
import { ChartView } from './chart-view.tsx';
import { figuresOf } from './figures.ts';
import './health.css';
import { SampleTable } from './sample-table.tsx';
import { SwarmCards } from './swarm-cards.tsx';
import { chartsOf, sampleAt, shownIndices, timesOf } from './series.ts';

export function HealthPane() {
  const [as, setAs] = useState<'charts' | 'table'>('charts');
  const hasSamples = useHistory((history) => history.samples.length > 0);
  return (
    <section className="pane health-pane" aria-labelledby="health-title">
      <div className="row health-head">
        <h1 id="health-title">Health</h1>
        <div className="switch" role="group" aria-label="Shown as">
          <button type="button" aria-pressed={as === 'charts'} onClick={() => setAs('charts')}>
            <ChartLine size={14} aria-hidden /> Charts
          </button>
          <button type="button" aria-pressed={as === 'table'} onClick={() => setAs('table')}>
            <Table size={14} aria-hidden /> Table
          </button>
        </div>
        <span className="space" />
        <Moment />
      </div>
      <AdviceList />
      {hasSamples ? (
        <>
          <Figures />
          <SwarmCards />
          {as === 'charts' ? <Charts /> : <SampleTable />}
        </>
      ) : (
        <NoFigures />
      )}
    </section>
  );
}

const TONES: Record<Severity, readonly [Tone, string]> = {
  bad: ['bad', 'Trouble'],
  warn: ['warn', 'Look at this'],
  note: ['idle', 'Good to know'],
  good: ['good', 'Well'],
};

function AdviceList() {
  const connection = useConsole((store) => store.connection);
  const situation = useSituation();
  const advice = useMemo(() => adviceFor(situation), [situation]);
  const isPast = useHistory((history) => history.cursorMs !== null);
  if (connection === 'lost') return null; // the banner says it; advice from before would be stale
  return (
    <ul className="advice" aria-label="What is wrong and what to do" aria-live="polite">
      {(isPast && advice.length === 0 ? [CALM_THEN] : advice).map(({ key, severity, says, todo }) => (
        <li key={key} className="note" data-tone={severity === 'note' ? 'idle' : severity}>
          <StateMark tone={TONES[severity][0]}>{TONES[severity][1]}</StateMark>
          <p>
            <strong>{says}</strong> {todo}
          </p>
        </li>
      ))}
    </ul>
  );
}

/** What the programs and the capture did then is not kept, so it is not said that all was well. */
const CALM_THEN: Advice = { key: 'calm', severity: 'note', says: 'The figures of that moment were good.', todo: '' };

/** Now, or the moment looked at. Thought over with every sample, not with every change of the mesh. */
function useSituation(): Situation {
  const state = useConsole((store) => store.state);
  const samples = useHistory((history) => history.samples);
  const cursorMs = useHistory((history) => history.cursorMs);
  const tablesAt = useHistory((history) => history.tablesAt);
  const isRead = useMesh((mesh) => mesh.serial !== null);
  const nowMs = useNow(samples.at(-1)?.atMs ?? 0);
  return useMemo(() => {
    if (cursorMs === null) return { state, samples, tables: useMesh.getState().tables, nowMs };
    const then = samples.filter(({ atMs }) => atMs <= cursorMs);
    return { state: null, samples: then, tables: tablesAt ?? {}, nowMs: cursorMs };
  }, [state, samples, cursorMs, tablesAt, nowMs, isRead]);
}

/** The clock of the newest sample; a few seconds without one, the page's own. */
function useNow(newestMs: number): number {
  const [late, setLate] = useState({ newestMs: 0, nowMs: 0 });
  useEffect(() => {
    const beganMs = Date.now();
    const timer = setInterval(() => setLate({ newestMs, nowMs: newestMs + Date.now() - beganMs }), 7_000);
    return () => clearInterval(timer);
  }, [newestMs]);
  return late.newestMs === newestMs && late.nowMs > newestMs ? late.nowMs : newestMs;
}

function Figures() {
  const sample = useHistory(({ samples, cursorMs }) =>
    cursorMs === null ? (samples.at(-1) ?? null) : sampleAt(samples, cursorMs),
  );
  return (
    <dl className="figures" aria-label="Figures">
      {figuresOf(sample).map(([label, value]) => (
        <div key={label} className="card">
          <dt>{label}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function Charts() {
  const samples = useHistory((history) => history.samples);
  const markers = useHistory((history) => history.markers);
  const cursorMs = useHistory((history) => history.cursorMs);
  const theme = useTheme((store) => store.shown);
  const [charts, times] = useMemo(() => {
    const shown = shownIndices(samples);
    return [chartsOf(samples, shown), timesOf(samples, shown)];
  }, [samples]);
  return (
    <div className="charts" key={theme}>
      {charts.map((chart) => (
        <ChartView key={chart.id} chart={chart} times={times} markers={markers} cursorMs={cursorMs} onPick={lookAt} />
      ))}
    </div>
  );
}

function NoFigures() {
  const isOpen = useConsole((store) => store.connection === 'open');
  return (
    <p className="empty">
      {isOpen
        ? 'No figures yet: the first come a second after the programs have started.'
        : 'Figures appear when the control plane answers.'}
    </p>
  );
}
