// All settings by group, with what was changed kept until it is saved or taken back.
import { useCallback, useEffect, useMemo, useState } from 'react';
import type { SettingRow } from '../../protocol/control.ts';
import { call, useConsole } from '../stores.ts';
import { fieldOf, groupsOf, valuesOf, type Typed } from './check-setting.ts';
import { interrupted, waiting } from './interruption.ts';
import { SettingField } from './setting-field.tsx';
import { useEffectOf } from './use-effect-of.ts';

export function SettingsForm() {
  const isOpen = useConsole((store) => store.connection === 'open');
  const [rows, setRows] = useState<readonly SettingRow[] | null>(null);
  const [typed, setTyped] = useState<Typed>({});
  const [problems, setProblems] = useState<Record<string, string>>({});
  const [said, setSaid] = useState<{ tone: 'good' | 'bad'; text: string } | null>(null);
  const read = useCallback(async () => {
    const outcome = await call('getSettings');
    if (outcome.ok) setRows(outcome.value);
    else setSaid({ tone: 'bad', text: outcome.detail });
  }, []);
  useEffect(() => {
    if (isOpen) void read();
  }, [isOpen, read]);
  const groups = useMemo(() => groupsOf(rows ?? []), [rows]);
  const changed = Object.keys(typed);
  const effect = useEffectOf(rows, typed);

  const save = async (): Promise<void> => {
    if (!rows) return;
    const { values, problems: wrong } = valuesOf(rows, typed);
    setProblems(wrong);
    setSaid(null);
    if (Object.keys(wrong).length > 0) return setSaid({ tone: 'bad', text: 'Not saved: see the field marked.' });
    const outcome = await call('saveSettings', { values });
    if (!outcome.ok) {
      const field = fieldOf(outcome.detail, rows, changed);
      if (field !== null) setProblems({ [field]: outcome.detail });
      return setSaid({ tone: 'bad', text: field === null ? outcome.detail : 'Not saved: see the field marked.' });
    }
    setTyped({});
    setSaid({ tone: 'good', text: interrupted(outcome.value.interrupted) });
    await read();
  };

  if (!rows)
    return (
      <p className="empty card" role="status">
        {said?.text ?? (isOpen ? 'Reading the settings.' : 'Waiting for the control plane.')}
      </p>
    );
  return (
    <form
      className="stack settings-form"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        void save();
      }}
    >
      {groups.length === 0 && <p className="empty card">This control plane has no settings to change.</p>}
      {groups.map((group) => (
        <section key={group.name} className="card" aria-label={group.name}>
          <h2>{group.name}</h2>
          {group.rows.map((row) => (
            <SettingField
              key={row.name}
              row={row}
              typed={typed[row.name]}
              problem={problems[row.name] ?? null}
              change={(value) => {
                setTyped((now) => ({ ...now, [row.name]: value }));
                setProblems((now) => Object.fromEntries(Object.entries(now).filter(([name]) => name !== row.name)));
                setSaid(null);
              }}
            />
          ))}
        </section>
      ))}
      <div className="save-bar card row">
        <p role="status" className={said ? 'said' : 'soft'} data-tone={said?.tone}>
          {said?.text ?? (changed.length === 0 ? 'Nothing is changed.' : waiting(changed.length, effect))}
        </p>
        <span className="space" />
        <button
          type="button"
          disabled={changed.length === 0}
          onClick={() => {
            setTyped({});
            setProblems({});
            setSaid(null);
          }}
        >
          Take back
        </button>
        <button type="submit" className="primary" disabled={changed.length === 0 || !isOpen}>
          Save
        </button>
      </div>
    </form>
  );
}
