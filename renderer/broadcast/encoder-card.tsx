// ffmpeg's own numbers: is the encoder keeping up?
import type { CaptureView } from '../../protocol/capture-state.ts';
import { bitRate } from '../format.ts';
import { StateMark } from '../state-mark.tsx';

/** Below this the computer is too slow for the preset. */
const SLOW = 0.97;

export function EncoderCard({ progress }: { progress: CaptureView['progress'] }) {
  const isSlow = progress !== null && progress.speed > 0 && progress.speed < SLOW;
  return (
    <section className="card stack" aria-labelledby="encoder-title">
      <div className="row">
        <h2 id="encoder-title">Encoder</h2>
        <span className="space" />
        {progress && (
          <StateMark tone={isSlow ? 'warn' : 'good'}>
            {isSlow ? 'Too slow: choose a smaller picture' : 'Keeps up'}
          </StateMark>
        )}
      </div>
      <dl className="numbers four">
        {[
          ['Frames', progress ? `${progress.framesPerSecond.toFixed(1)} /s` : '-'],
          ['Rate', progress ? bitRate(progress.bitsPerSecond) : '-'],
          ['Dropped', progress ? progress.droppedFrames.toLocaleString('en') : '-'],
          ['Speed', progress ? `${progress.speed.toFixed(2)} x` : '-'],
        ].map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <p className="small soft">{progress?.encoder ? `By ${progress.encoder}.` : 'Nothing is encoded here.'}</p>
    </section>
  );
}
