// Before any source is chosen: five pictures, one press each. The next press is Go live.
import { Camera, Clapperboard, Film, MonitorUp, Radio } from 'lucide-react';
import type { ReactNode } from 'react';
import type { Source } from '../../protocol/capture-state.ts';
import type { Devices } from '../../protocol/control.ts';

interface Card {
  name: string;
  detail: string;
  icon: ReactNode;
  /** null: there is nothing to show of this kind. */
  source: Source | null;
}

export function FirstRun({
  devices,
  isBusy,
  choose,
}: {
  devices: Devices | null;
  isBusy: boolean;
  choose: (source: Source) => void;
}) {
  return (
    <div className="first-run" role="group" aria-label="What do you want to show?">
      <h2>What do you want to show?</h2>
      <ul>
        {cardsOf(devices).map(({ name, detail, icon, source }) => (
          <li key={name}>
            <button
              type="button"
              disabled={source === null || isBusy}
              onClick={() => source && choose(source)}
              aria-describedby={`card-${name.replaceAll(' ', '-')}`}
            >
              {icon}
              {name}
            </button>
            <p id={`card-${name.replaceAll(' ', '-')}`}>{detail}</p>
          </li>
        ))}
      </ul>
    </div>
  );
}

function cardsOf(devices: Devices | null): Card[] {
  const microphone = devices?.microphones[0]?.id ?? null;
  const camera = devices?.cameras[0];
  const screen = devices?.screens[0];
  const file = devices?.files[0];
  const none = (what: string): string => (devices === null ? 'Looking for it.' : what);
  const icon = { size: 30, strokeWidth: 1.5, 'aria-hidden': true } as const;
  return [
    {
      name: 'Camera',
      detail: camera?.name ?? none('No camera was found.'),
      icon: <Camera {...icon} />,
      source: camera ? { kind: 'camera', camera: camera.id, microphone } : null,
    },
    {
      name: 'Screen',
      detail: screen?.name ?? none('No screen was found.'),
      icon: <MonitorUp {...icon} />,
      source: screen ? { kind: 'screen', screen: screen.id, microphone } : null,
    },
    {
      name: 'Test pattern',
      detail: 'Moving bars and a tone',
      icon: <Clapperboard {...icon} />,
      source: { kind: 'test' },
    },
    {
      name: 'File',
      detail: file ? `${file.name}, in a loop` : none(`Put a film into ${devices?.mediaFolder ?? ''}`),
      icon: <Film {...icon} />,
      source: file ? { kind: 'file', file: file.id } : null,
    },
    {
      name: 'External encoder',
      detail: 'OBS, ffmpeg, hardware',
      icon: <Radio {...icon} />,
      source: { kind: 'external' },
    },
  ];
}
