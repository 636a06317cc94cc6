// What a new audience is to be like. What is wrong with a number stands below its field.
import { useId, useRef, useState, type FormEvent } from 'react';
import { UPLINK_PROFILES, type AudienceAsk } from '../../protocol/rehearsal.ts';
import { useAsk } from '../ask.ts';
import { checkAudience, FIELDS, typedOf, USUAL } from './audience-fields.ts';

const PROFILES: Record<AudienceAsk['uplink'], string> = {
  equal: 'Equal: this machine’s own speed',
  ordinary: 'Ordinary: a fifth cannot upload, half carry one copy, the others three',
  rich: 'Rich: fibre for most',
  mobile: 'Mobile: half cannot upload',
};

interface StartFormProps {
  isLive: boolean;
  /** Viewers that can be carried here. */
  most: number;
  /** What was asked the last time. */
  last: AudienceAsk | null;
}

export function StartForm({ isLive, most, last }: StartFormProps) {
  const { ask, isBusy, problem } = useAsk();
  const [typed, setTyped] = useState(last === null ? USUAL : typedOf(last));
  const [uplink, setUplink] = useState<AudienceAsk['uplink']>(last?.uplink ?? 'equal');
  /** Nobody is told what is wrong before they have said that they are done. */
  const [isTold, setTold] = useState(false);
  const form = useRef<HTMLFormElement>(null);
  const id = useId();
  const checked = checkAudience(typed, most);
  const problems = isTold && !checked.ok ? checked.problems : {};
  const start = (event: FormEvent): void => {
    event.preventDefault();
    if (checked.ok) return void ask('startAudience', { ...checked.numbers, uplink });
    setTold(true);
    const first = FIELDS.find(({ key }) => checked.problems[key] !== undefined);
    form.current?.querySelector<HTMLInputElement>(`[name="${first?.key}"]`)?.focus();
  };
  return (
    <form className="card stack" aria-label="A new audience" noValidate ref={form} onSubmit={start}>
      <label className="field">
        <span>Uplinks</span>
        <select
          value={uplink}
          onChange={(event) => setUplink(UPLINK_PROFILES.find((one) => one === event.target.value) ?? 'equal')}
        >
          {UPLINK_PROFILES.map((profile) => (
            <option key={profile} value={profile}>
              {PROFILES[profile]}
            </option>
          ))}
        </select>
      </label>
      <div className="ask-grid">
        {FIELDS.map(({ key, label, unit }) => (
          <div key={key} className="ask-field">
            <label htmlFor={`${id}-${key}`}>
              {label}
              {unit === '' ? '' : ` (${unit})`}
            </label>
            {/* Not type=number: it hides what was typed, and refuses it in a bubble that is gone with the next key. */}
            <input
              id={`${id}-${key}`}
              name={key}
              inputMode="decimal"
              autoComplete="off"
              spellCheck={false}
              aria-invalid={problems[key] !== undefined}
              aria-describedby={`${id}-${key}-problem`}
              value={typed[key]}
              onChange={(event) => setTyped({ ...typed, [key]: event.target.value })}
            />
            <p id={`${id}-${key}-problem`} className="problem small" role="alert">
              {problems[key]}
            </p>
          </div>
        ))}
      </div>
      <div className="row">
        <button type="submit" className="primary" disabled={isBusy || !isLive}>
          Start the audience
        </button>
        {!isLive && <span className="soft">Go live first: an audience needs something to watch.</span>}
      </div>
      {problem !== null && (
        <p className="problem" role="alert">
          {problem}
        </p>
      )}
    </form>
  );
}
