// One setting: its field by kind, what it means, what is wrong with it.
import type { SettingRow } from '../../protocol/control.ts';
import { asTyped } from './check-setting.ts';

export function SettingField({
  row,
  typed,
  problem,
  change,
}: {
  row: SettingRow;
  /** undefined: not touched. */
  typed: string | boolean | undefined;
  problem: string | null;
  change: (typed: string | boolean) => void;
}) {
  const id = `setting-${row.name}`;
  const shared = {
    id,
    disabled: !row.isEditable,
    'aria-invalid': problem !== null,
    'aria-describedby': `${id}-detail`,
  };
  // A secret is never shown: what is kept stays until something is typed.
  const text = typeof typed === 'string' ? typed : row.kind === 'secret' ? '' : asTyped(row.value);
  const isOn = typeof typed === 'boolean' ? typed : row.value === true;
  return (
    <div className="setting" data-changed={typed !== undefined}>
      <div className="setting-name">
        <label htmlFor={id}>{row.name}</label>
        <p id={`${id}-detail`} className="small soft">
          {row.detail} {row.isEditable ? '' : 'Set by a flag or the environment: it can’t be changed here. '}
          {row.kind !== 'secret' && row.usual !== row.value && row.usual !== null ? `Usually ${row.usual}.` : ''}
        </p>
      </div>
      <div className="setting-value">
        {row.kind === 'yes-no' ? (
          <label className="row">
            <input
              {...shared}
              type="checkbox"
              role="switch"
              checked={isOn}
              onChange={(event) => change(event.target.checked)}
            />
            <span aria-hidden>{isOn ? 'Yes' : 'No'}</span>
          </label>
        ) : row.kind === 'choice' ? (
          <select {...shared} value={text} onChange={(event) => change(event.target.value)}>
            {row.value === null && <option value="">Not set</option>}
            {(row.choices ?? []).map((choice) => (
              <option key={choice}>{choice}</option>
            ))}
          </select>
        ) : row.kind === 'json' ? (
          <textarea
            {...shared}
            rows={3}
            className="mono"
            spellCheck={false}
            value={text}
            onChange={(event) => change(event.target.value)}
          />
        ) : (
          <input
            {...shared}
            type={row.kind === 'secret' ? 'password' : 'text'}
            inputMode={row.kind === 'number' ? 'decimal' : undefined}
            autoComplete="off"
            spellCheck={false}
            value={text}
            placeholder={placeholderOf(row)}
            onChange={(event) => change(event.target.value)}
          />
        )}
        {problem !== null && (
          <p className="problem small" role="alert">
            {problem}
          </p>
        )}
      </div>
    </div>
  );
}

function placeholderOf(row: SettingRow): string {
  if (row.kind === 'secret' && row.value !== null) return 'Kept; type to replace';
  return row.kind === 'secret' || row.usual === null ? 'Not set' : String(row.usual);
}
