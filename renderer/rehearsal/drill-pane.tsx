// The Drill pane: harm done on purpose while a synthetic audience watches, and what it showed.
import { DRILLS, type DrillName, type DrillReport, type DrillView } from '../../protocol/rehearsal.ts';
import { useAsk } from '../ask.ts';
import { ConfirmDialog } from '../confirm-dialog.tsx';
import { momentOf } from '../format.ts';
import { StateMark } from '../state-mark.tsx';
import { useConsole } from '../stores.ts';
import './rehearsal.css';
import { useOnAir } from './on-air.ts';
import { SecondsTable } from './seconds-table.tsx';
import { VerdictList, VerdictMark } from './verdict-list.tsx';

interface Telling {
  name: string;
  what: string;
  /** Real viewers notice it too. */
  isForAll: boolean;
}

const TELLS: Record<DrillName, Telling> = {
  'kill-forward': {
    name: 'Kill the forward',
    what: 'Its process is killed. Viewers go to another one, or wait the second until it is back.',
    isForAll: true,
  },
  'kill-tracker': {
    name: 'Kill the tracker',
    what: 'Its process is killed. The mesh flows on and says how it is seated when the tracker is back.',
    isForAll: true,
  },
  'kill-coordinate': {
    name: 'Kill the coordinate',
    what: 'Its process is killed, and the ingest with it. The picture pauses and goes on by itself.',
    isForAll: true,
  },
  'lose-10': { name: 'Lose 10 %', what: 'A tenth of the synthetic viewers leave at once.', isForAll: false },
  'lose-30': { name: 'Lose 30 %', what: 'Thirty per cent of the synthetic viewers leave at once.', isForAll: false },
  'cut-30': { name: 'Cut 30 % of the links', what: 'Connections break while everybody stays.', isForAll: false },
  'cut-50': { name: 'Cut half of the links', what: 'Connections break while everybody stays.', isForAll: false },
  poison: {
    name: 'Poison a relay',
    what: 'The synthetic viewer that feeds most spoils what it passes on, until it is found out.',
    isForAll: false,
  },
};

export function DrillPane() {
  const drill = useConsole((store) => store.state?.drill ?? null);
  const isLive = useOnAir();
  return (
    <section className="pane rehearsal" aria-labelledby="drill-title">
      <h1 id="drill-title">Drill</h1>
      <p className="soft">
        Each drill brings a dozen synthetic viewers where none watch, waits until all is calm, does its harm once, and
        judges what they saw against the stall budget. Real viewers are never removed; where a program is killed they
        notice that too.
      </p>
      {drill === null ? <p className="empty">Loading.</p> : <Parts drill={drill} isLive={isLive} />}
    </section>
  );
}

function Parts({ drill, isLive }: { drill: DrillView; isLive: boolean }) {
  const { ask, isBusy, problem } = useAsk();
  const isOff = isBusy || drill.running !== null || !isLive;
  const why = problem ?? drill.problem;
  return (
    <>
      {drill.running && (
        <div className="card row">
          <p className="row" role="status">
            <StateMark tone="busy">{TELLS[drill.running.name].name}</StateMark>
            <span>{drill.running.step}</span>
          </p>
          <Progress />
        </div>
      )}
      {!isLive && <p className="soft">Go live first: a drill needs something on air.</p>}
      {why !== null && (
        <p className="problem" role="alert">
          {why}
        </p>
      )}
      <ul className="drills" aria-label="Drills">
        {DRILLS.map((name) => (
          <li key={name} className="card stack">
            <h2>{TELLS[name].name}</h2>
            <p className="small soft">{TELLS[name].what}</p>
            <StartButton name={name} isOff={isOff} start={() => void ask('startDrill', { name })} />
          </li>
        ))}
      </ul>
      <Reports reports={drill.reports} />
    </>
  );
}

/** Every second, so it is not read out. */
function Progress() {
  const last = useConsole(({ state }) => {
    const audience = state?.audience;
    return audience && 'seconds' in audience ? (audience.seconds.at(-1) ?? null) : null;
  });
  if (last === null) return null;
  const { playing, viewers, late, units } = last;
  return (
    <span className="soft">
      {playing} of {viewers} play, {late} of {units} units late
    </span>
  );
}

function StartButton({ name, isOff, start }: { name: DrillName; isOff: boolean; start: () => void }) {
  const { name: title, isForAll } = TELLS[name];
  if (!isForAll)
    return (
      <button type="button" disabled={isOff} onClick={start} aria-label={`${title}: start`}>
        Start
      </button>
    );
  return (
    <ConfirmDialog
      trigger={
        <button type="button" disabled={isOff} aria-label={`${title}: start`}>
          Start
        </button>
      }
      title={`${title}?`}
      detail="The process is killed for everybody who watches, real viewers too; its supervisor starts it again at once."
      confirm="Kill it"
      onConfirm={start}
    />
  );
}

function Reports({ reports }: { reports: readonly DrillReport[] }) {
  if (reports.length === 0) return <p className="empty">No drill has been run here yet.</p>;
  return (
    <section className="stack" aria-label="Reports">
      <h2>Reports</h2>
      {reports.map((report, i) => (
        <details key={report.atMs} className="card" open={i === 0}>
          <summary>
            <VerdictMark verdict={report.verdict} />
            <strong>{TELLS[report.name].name}</strong>
            <span className="soft">
              {momentOf(report.atMs)}, {report.viewers} viewers
            </span>
          </summary>
          <div className="stack">
            <p>{report.what}</p>
            <VerdictList title={null} verdict={report} />
            <SecondsTable seconds={report.seconds} />
          </div>
        </details>
      ))}
    </section>
  );
}
