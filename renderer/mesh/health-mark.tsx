// A health told by shape and colour; the word stands beside it or in the node's label.
import type { Health } from './health.ts';

const SHAPES: Record<Health, string> = {
  ok: 'M6 1a5 5 0 1 0 0 10a5 5 0 1 0 0-10Z',
  late: 'M6 .8 11.6 11H.4Z',
  takeover: 'M6 0 12 6 6 12 0 6Z',
  lossy: 'M1.5 0 6 4.5 10.5 0 12 1.5 7.5 6 12 10.5 10.5 12 6 7.5 1.5 12 0 10.5 4.5 6 0 1.5Z',
  accused: 'M6 .4 12 11.4H0ZM6 4.2 3 9.7H9Z',
  convicted: 'M6 0a6 6 0 1 0 0 12a6 6 0 1 0 0-12ZM2.4 4.8h7.2v2.4H2.4Z',
  off: 'M6 1a5 5 0 1 0 0 10a5 5 0 1 0 0-10ZM6 3a3 3 0 1 1 0 6a3 3 0 1 1 0-6Z',
};

export function HealthMark({ health, size = 10 }: { health: Health; size?: number }) {
  return (
    <svg className="health-mark" data-health={health} width={size} height={size} viewBox="0 0 12 12" aria-hidden>
      <path d={SHAPES[health]} fillRule="evenodd" />
    </svg>
  );
}
