// How loud the source is: a bar with a word, from silence to too loud.
import { useConsole } from '../stores.ts';

const QUIET_DB = -60;
const LOW_DB = -45;
const LOUD_DB = -3;

const wordOf = (db: number): string => (db <= LOW_DB ? 'Silent' : db >= LOUD_DB ? 'Too loud' : 'Good');

export function SoundMeter() {
  const db = useConsole((store) => store.state?.capture.progress?.soundDb ?? null);
  const share = db === null ? 0 : Math.min(1, Math.max(0, 1 - db / QUIET_DB));
  return (
    <div className="field sound">
      <span id="sound-name">Sound</span>
      <div className="row">
        <div
          className="sound-bar"
          role="meter"
          aria-labelledby="sound-name"
          aria-valuemin={QUIET_DB}
          aria-valuemax={0}
          aria-valuenow={db === null ? QUIET_DB : Math.max(QUIET_DB, Math.round(db))}
          aria-valuetext={db === null ? 'No sound' : `${wordOf(db)}, ${Math.round(db)} decibels`}
        >
          <i
            data-tone={db !== null && db >= LOUD_DB ? 'bad' : 'good'}
            style={{ transform: `scaleX(${share.toFixed(3)})` }}
          />
        </div>
        <span className="small sound-word">{db === null ? 'None' : wordOf(db)}</span>
      </div>
    </div>
  );
}
