// A small line over time, from zero, with its newest value in words.

const WIDTH = 120;
const HEIGHT = 26;

export interface SparklineProps {
  label: string;
  values: readonly (number | null)[];
  /** The newest value. */
  words: string;
}

export function Sparkline({ label, values, words }: SparklineProps) {
  // Some room above: a steady value is no line along the edge.
  const most = 1.3 * Math.max(1e-9, ...values.map((value) => value ?? 0));
  const step = WIDTH / Math.max(1, values.length - 1);
  let d = '';
  let isDown = false;
  for (const [i, value] of values.entries()) {
    if (value === null) isDown = false;
    else {
      d += `${isDown ? 'L' : 'M'}${(i * step).toFixed(1)} ${(HEIGHT - 2 - (value / most) * (HEIGHT - 4)).toFixed(1)}`;
      isDown = true;
    }
  }
  return (
    <div className="sparkline">
      <span className="soft small">{label}</span>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden>
        <path d={d} />
      </svg>
      <span className="number">{words}</span>
    </div>
  );
}
