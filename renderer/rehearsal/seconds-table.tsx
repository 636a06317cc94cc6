// The seconds of a synthetic audience, the newest first: who plays, what came late, who feeds them.
import type { AudienceSecond } from '../../protocol/rehearsal.ts';

const SHOWN = 30;

export function SecondsTable({ seconds }: { seconds: readonly AudienceSecond[] }) {
  if (seconds.length === 0) return null;
  return (
    <div className="card table-scroll" tabIndex={0} role="region" aria-label="Second by second">
      <table>
        <thead>
          <tr>
            <th scope="col">Second</th>
            <th scope="col">Playing</th>
            <th scope="col">Late units</th>
            <th scope="col">Longest gap</th>
            <th scope="col">Delay</th>
            <th scope="col">Fed by viewers</th>
          </tr>
        </thead>
        <tbody>
          {seconds
            .slice(-SHOWN)
            .toReversed()
            .map(({ second, playing, viewers, late, units, longestGapMs, delayP50Ms, parents }) => (
              <tr key={second}>
                <th scope="row">{second}</th>
                <td>
                  {playing} / {viewers}
                </td>
                <td>
                  {late} / {units}
                </td>
                <td>{longestGapMs} ms</td>
                <td>{delayP50Ms === null ? '-' : `${delayP50Ms} ms`}</td>
                <td>
                  {parents.peers} / {parents.peers + parents.forwards}
                </td>
              </tr>
            ))}
        </tbody>
      </table>
    </div>
  );
}
