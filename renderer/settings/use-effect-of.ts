// What saving the typed settings would interrupt, asked of the plane whenever they change.
import { useEffect, useState } from 'react';
import type { SettingRow } from '../../protocol/control.ts';
import { call } from '../stores.ts';
import { valuesOf, type Typed } from './check-setting.ts';

/** A moment without another key pressed. */
const PAUSE_MS = 250;

/** @returns names of programs; null while it is not known or something typed is not right yet */
export function useEffectOf(rows: readonly SettingRow[] | null, typed: Typed): readonly string[] | null {
  const [effect, setEffect] = useState<readonly string[] | null>(null);
  useEffect(() => {
    setEffect(null);
    if (rows === null || Object.keys(typed).length === 0) return;
    const { values, problems } = valuesOf(rows, typed);
    if (Object.keys(problems).length > 0) return;
    let isPast = false;
    const timer = setTimeout(() => {
      void call('checkSettings', { values }).then((outcome) => {
        if (!isPast && outcome.ok) setEffect(outcome.value.interrupted);
      });
    }, PAUSE_MS);
    return () => {
      isPast = true;
      clearTimeout(timer);
    };
  }, [rows, typed]);
  return effect;
}
