// The charts' numbers as a table: a row for each half minute, newest first.
import { useMemo } from 'react';
import { bitRate, byteSize, clockTime, delay, percent } from '../format.ts';
import { useHistory } from '../stores.ts';
import { tableSamples } from './series.ts';

const COLUMNS = [
  'Time',
  'Viewers',
  'Playing',
  'Offload',
  'Delay, median',
  'Delay, 19 of 20',
  'Standing',
  'Joined',
  'Left',
  'Media',
  'First pictures',
  'Repair',
  'Control',
  'Processor',
  'Memory',
];

export function SampleTable() {
  const samples = useHistory((history) => history.samples);
  const rows = useMemo(() => tableSamples(samples), [samples]);
  const or = (value: number | null, say: (value: number) => string): string => (value === null ? 'none' : say(value));
  return (
    <div className="card sample-table" tabIndex={0} role="region" aria-label="Figures over time">
      <table>
        <thead>
          <tr>
            {COLUMNS.map((name) => (
              <th key={name} scope="col" className={name === 'Time' ? '' : 'number'}>
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((sample) => {
            const programs = Object.values(sample.programs);
            const cells = [
              sample.viewers.toLocaleString('en'),
              sample.playing.toLocaleString('en'),
              or(sample.offload, percent),
              or(sample.delayP50Ms, delay),
              or(sample.delayP95Ms, delay),
              delay(sample.stalledMs),
              String(sample.joined),
              String(sample.left),
              bitRate(sample.egressBitsPerSecond.media),
              bitRate(sample.egressBitsPerSecond.bootstrap),
              bitRate(sample.egressBitsPerSecond.repair),
              bitRate(sample.egressBitsPerSecond.control),
              percent(programs.reduce((sum, { cpu }) => sum + cpu, 0)),
              byteSize(programs.reduce((sum, { memoryBytes }) => sum + memoryBytes, 0)),
            ];
            return (
              <tr key={sample.atMs}>
                <th scope="row">{clockTime(sample.atMs)}</th>
                {cells.map((cell, i) => (
                  <td key={COLUMNS[i + 1]} className="number">
                    {cell}
                  </td>
                ))}
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}
