// What the mesh as a whole can carry and what it has carried: a card for each stream, the words from swarm-words.ts.
import { useMemo } from 'react';
import { StateMark } from '../state-mark.tsx';
import { useHistory, useMesh } from '../stores.ts';
import { swarmWords, type LedgerWords, type SwarmWords } from './swarm-words.ts';

export function SwarmCards() {
  const swarms = useSwarms();
  return swarms.map((swarm) => <SwarmCard key={swarm.name} swarm={swarm} />);
}

/** Now, or at the moment looked at. Thought over with every sample, not with every change of the mesh. */
function useSwarms(): SwarmWords[] {
  const newestMs = useHistory((history) => history.samples.at(-1)?.atMs ?? 0);
  const isPast = useHistory((history) => history.cursorMs !== null);
  const tablesAt = useHistory((history) => history.tablesAt);
  return useMemo(() => {
    const tables = isPast ? tablesAt : useMesh.getState().tables;
    return Object.entries(tables?.swarms ?? {}).map(([name, row]) => swarmWords(row.name ?? name, row));
  }, [newestMs, isPast, tablesAt]);
}

function SwarmCard({ swarm: { name, forecast, slices, pairs, ledger } }: { swarm: SwarmWords }) {
  return (
    <section className="card swarm-card" aria-label={`The mesh of ${name}`}>
      <div>
        <h2>Capacity of {name}</h2>
        <p>{forecast ? <strong>{forecast.says}</strong> : 'The tracker gives no forecast yet.'}</p>
        {forecast && <p className="soft">{forecast.why}</p>}
        <p>
          <strong>{slices.says}</strong> <span className="soft">{slices.why}</span>
        </p>
        <Pairs pairs={pairs} />
      </div>
      <div>
        <h2>Ledger of {name}</h2>
        {ledger ? <LedgerView ledger={ledger} /> : <p className="soft">The tracker keeps no ledger yet.</p>}
      </div>
    </section>
  );
}

function LedgerView({ ledger: { agrees, says, pairs, mismatches } }: { ledger: LedgerWords }) {
  return (
    <>
      <p className="ledger-says">
        <StateMark tone={agrees ? 'good' : 'warn'}>{agrees ? 'Agrees' : 'Differs'}</StateMark> {says}
      </p>
      <Pairs pairs={pairs} />
      {mismatches.length > 0 && (
        <table>
          <thead>
            <tr>
              <th scope="col">From</th>
              <th scope="col">To</th>
              <th scope="col" className="number">
                Says it gave
              </th>
              <th scope="col" className="number">
                Receipts
              </th>
              <th scope="col" className="number">
                Gap
              </th>
            </tr>
          </thead>
          <tbody>
            {mismatches.map(({ from, to, gave, got, gap }) => (
              <tr key={`${from} ${to}`}>
                <th scope="row">{from}</th>
                <td>{to}</td>
                <td className="number">{gave}</td>
                <td className="number">{got}</td>
                <td className="number">{gap}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </>
  );
}

function Pairs({ pairs }: { pairs: SwarmWords['pairs'] }) {
  return (
    <dl className="swarm-pairs">
      {pairs.map(([label, value]) => (
        <div key={label}>
          <dt>{label}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
