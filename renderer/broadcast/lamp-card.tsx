// The lamp at its full size: word, sentence, and what failed with the last lines of the program that did.
import type { CaptureState } from '../../protocol/capture-state.ts';
import { duration } from '../format.ts';
import { StateMark } from '../state-mark.tsx';
import { planeNowMs } from '../stores.ts';
import { lampText } from './lamp.ts';
import { useLamp } from './monitor-store.ts';

export function LampCard({ capture }: { capture: CaptureState }) {
  const lamp = useLamp();
  if (!lamp) return null;
  const { tone, word, sentence } = lampText(lamp);
  const isLive = capture.is === 'live';
  return (
    <section className="card lamp" data-tone={tone} data-lamp={lamp.is} aria-label="Live lamp">
      <div className="row">
        <StateMark tone={tone} size={20}>
          {word}
        </StateMark>
        <span className="space" />
        <span className="soft">{isLive ? duration(planeNowMs() - capture.sinceMs) : ''}</span>
      </div>
      <p>{sentence}</p>
      {capture.is === 'failed' && capture.lastLines.length > 0 && (
        <details>
          <summary>What the program said last</summary>
          <pre tabIndex={0} aria-label="Last lines">
            {capture.lastLines.join('\n')}
          </pre>
        </details>
      )}
    </section>
  );
}
