// The rail's foot: how the plane is reached, the theme's switch, the version.
import { Moon, Sun } from 'lucide-react';
import { StateMark, type Tone } from './state-mark.tsx';
import { useConsole, type Connection } from './stores.ts';
import { chooseTheme, useTheme } from './theme.ts';

const WORDS: Record<Connection, readonly [Tone, string]> = {
  open: ['good', 'Connected'],
  connecting: ['busy', 'Connecting'],
  lost: ['warn', 'Disconnected'],
  refused: ['bad', 'Refused'],
  'no-token': ['idle', 'Locked'],
};

export function RailFoot() {
  const [tone, word] = WORDS[useConsole((store) => store.connection)];
  const version = useConsole((store) => store.state?.version);
  const shown = useTheme((theme) => theme.shown);
  const other = shown === 'dark' ? 'light' : 'dark';
  return (
    <div className="rail-foot">
      <StateMark tone={tone}>{word}</StateMark>
      <div className="row">
        <button
          type="button"
          className="quiet"
          onClick={() => chooseTheme(other)}
          aria-label={`Use the ${other} theme`}
          title={`Use the ${other} theme`}
        >
          {shown === 'dark' ? <Sun size={15} aria-hidden /> : <Moon size={15} aria-hidden />}
        </button>
        <span className="soft">{version === undefined ? '' : `Version ${version}`}</span>
      </div>
    </div>
  );
}
