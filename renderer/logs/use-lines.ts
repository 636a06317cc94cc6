// The lines to show: the live ones, or those up to the moment looked at, read from the plane when they are older than what is kept.
import { useEffect, useMemo, useState } from 'react';
import type { LogLine } from '../../protocol/control.ts';
import { call, useHistory, useLogs } from '../stores.ts';
import { countUntil } from './filter.ts';

const MOST = 1_000;
/** The scrubber moves in small steps: only where it rests is asked for. */
const REST_MS = 150;

export function useLines(): { lines: readonly LogLine[]; isLoaded: boolean; cursorMs: number | null } {
  const live = useLogs((logs) => logs.lines);
  const isLoaded = useLogs((logs) => logs.isLoaded);
  const cursorMs = useHistory((history) => history.cursorMs);
  const [then, setThen] = useState<{ atMs: number; lines: readonly LogLine[] } | null>(null);
  const oldestMs = live[0]?.atMs ?? Number.POSITIVE_INFINITY;
  const isKept = cursorMs !== null && cursorMs >= oldestMs;
  useEffect(() => {
    if (cursorMs === null || isKept) return;
    let isStale = false;
    const timer = setTimeout(() => {
      void call('getLogs', { toMs: cursorMs, most: MOST }).then((outcome) => {
        if (!isStale && outcome.ok) setThen({ atMs: cursorMs, lines: outcome.value });
      });
    }, REST_MS);
    return () => {
      isStale = true;
      clearTimeout(timer);
    };
  }, [cursorMs, isKept]);
  const lines = useMemo(() => {
    if (cursorMs === null) return live;
    if (isKept) return live.slice(0, countUntil(live, cursorMs));
    return then?.lines ?? [];
  }, [cursorMs, isKept, live, then]);
  return { lines, isLoaded: isLoaded && (cursorMs === null || isKept || then !== null), cursorMs };
}
