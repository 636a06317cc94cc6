// Asking the control plane from a button: whether an answer is out, and what went wrong the last time, as a sentence.
import { useCallback, useState } from 'react';
import type { CallName, Calls } from '../protocol/control.ts';
import { call } from './stores.ts';

export interface Asking {
  isBusy: boolean;
  problem: string | null;
  /** @returns whether it was done */
  ask: <N extends CallName>(name: N, ...argument: Parameters<Calls[N]>) => Promise<boolean>;
  clear: () => void;
}

export function useAsk(): Asking {
  const [busy, setBusy] = useState(0);
  const [problem, setProblem] = useState<string | null>(null);
  const ask = useCallback(async <N extends CallName>(name: N, ...argument: Parameters<Calls[N]>) => {
    setBusy((n) => n + 1);
    const outcome = await call(name, ...argument);
    setBusy((n) => n - 1);
    setProblem(outcome.ok ? null : outcome.detail);
    return outcome.ok;
  }, []);
  const clear = useCallback(() => setProblem(null), []);
  return { isBusy: busy > 0, problem, ask, clear };
}
