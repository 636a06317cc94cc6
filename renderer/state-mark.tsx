// A state told three ways at once: shape, word and colour.
import type { ReactNode } from 'react';

export type Tone = 'good' | 'warn' | 'bad' | 'idle' | 'busy';

const SHAPES: Record<Tone, ReactNode> = {
  good: <circle cx="6" cy="6" r="5" fill="currentColor" />,
  warn: <path d="M6 .8 11.6 11H.4Z" fill="currentColor" />,
  bad: <path d="M3.6 0h4.8L12 3.6v4.8L8.4 12H3.6L0 8.4V3.6Z" fill="currentColor" />,
  idle: <circle cx="6" cy="6" r="4.2" fill="none" stroke="currentColor" strokeWidth="1.8" />,
  busy: (
    <g fill="none" stroke="currentColor" strokeWidth="1.8">
      <path d="M6 1.8A4.2 4.2 0 1 1 1.8 6" />
    </g>
  ),
};

export function StateMark({ tone, children, size = 12 }: { tone: Tone; children: ReactNode; size?: number }) {
  return (
    <span className="state" data-tone={tone}>
      <svg className={tone === 'busy' ? 'pulse' : undefined} width={size} height={size} viewBox="0 0 12 12" aria-hidden>
        {SHAPES[tone]}
      </svg>
      <span>{children}</span>
    </span>
  );
}
