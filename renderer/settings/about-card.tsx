// The look of this console, and what is installed.
import { useConsole } from '../stores.ts';
import { chooseTheme, useTheme, type ThemeChoice } from '../theme.ts';

const THEMES: readonly { choice: ThemeChoice; name: string }[] = [
  { choice: 'system', name: 'As the system' },
  { choice: 'light', name: 'Light' },
  { choice: 'dark', name: 'Dark' },
];

export function AboutCard() {
  const choice = useTheme((theme) => theme.choice);
  const state = useConsole((store) => store.state);
  if (!state) return null;
  const { ffmpeg } = state;
  return (
    <section className="card stack" aria-labelledby="about-title">
      <h2 id="about-title">This console</h2>
      <div className="row" role="radiogroup" aria-label="Theme">
        {THEMES.map((theme) => (
          <label key={theme.choice} className="row">
            <input
              type="radio"
              name="theme"
              checked={choice === theme.choice}
              onChange={() => chooseTheme(theme.choice)}
            />
            {theme.name}
          </label>
        ))}
      </div>
      <dl className="pairs">
        <dt>Version</dt>
        <dd>
          {state.version}, {state.platform}
        </dd>
        <dt>ffmpeg</dt>
        <dd>
          {ffmpeg.path === null
            ? (ffmpeg.problem ?? 'Not looked for yet.')
            : `${ffmpeg.version ?? 'unknown version'}${ffmpeg.encoder === null ? '' : `, encodes with ${ffmpeg.encoder}`}`}
          {ffmpeg.path !== null && <code>{ffmpeg.path}</code>}
        </dd>
        <dt>Coordinate</dt>
        <dd>
          <code>{state.addresses?.coordinate ?? '-'}</code>
        </dd>
      </dl>
    </section>
  );
}
