// Which source, microphone and size; a change takes effect at once and viewers stay.
import { RefreshCw } from 'lucide-react';
import { PRESET_NAMES, type PresetName, type Source } from '../../protocol/capture-state.ts';
import { groupsOf, hasMicrophone, keyOf, sourceOf } from './source-choice.ts';
import { SoundMeter } from './sound-meter.tsx';
import type { DeviceList } from './use-devices.ts';

const PRESET_WORDS: Record<PresetName, string> = {
  '360p': '360p, saves data',
  '480p': '480p',
  '720p': '720p, usual',
  '1080p': '1080p, sharp',
};

export function SourceBar({
  list,
  source,
  preset,
  choose,
}: {
  list: DeviceList;
  source: Source;
  preset: PresetName;
  choose: (source: Source, preset: PresetName) => void;
}) {
  const microphone = hasMicrophone(source) ? source.microphone : null;
  const microphones = list.devices?.microphones ?? [];
  return (
    <div className="source-bar">
      <label className="field grow">
        <span>Source</span>
        <select
          value={keyOf(source)}
          onChange={(event) => {
            const next = sourceOf(event.target.value, microphone ?? microphones[0]?.id ?? null);
            if (next) choose(next, preset);
          }}
        >
          {groupsOf(list.devices, source).map((group) => (
            <optgroup key={group.name} label={group.name}>
              {group.options.map((option) => (
                <option key={option.key} value={option.key}>
                  {option.name}
                </option>
              ))}
            </optgroup>
          ))}
        </select>
      </label>
      {source.kind !== 'external' && (
        <>
          <label className="field">
            <span>Picture</span>
            <select value={preset} onChange={(event) => choose(source, event.target.value as PresetName)}>
              {PRESET_NAMES.map((name) => (
                <option key={name} value={name}>
                  {PRESET_WORDS[name]}
                </option>
              ))}
            </select>
          </label>
          {hasMicrophone(source) && (
            <label className="field grow">
              <span>Microphone</span>
              <select
                value={microphone ?? ''}
                onChange={(event) =>
                  choose({ ...source, microphone: event.target.value === '' ? null : event.target.value }, preset)
                }
              >
                <option value="">None, without sound</option>
                {microphones.map((one) => (
                  <option key={one.id} value={one.id}>
                    {one.name}
                  </option>
                ))}
              </select>
            </label>
          )}
          <SoundMeter />
        </>
      )}
      <button
        type="button"
        className="quiet"
        onClick={() => list.readAgain()}
        disabled={list.isReading}
        aria-label="Look for devices again"
        title="Look for devices again"
      >
        <RefreshCw size={15} aria-hidden />
      </button>
    </div>
  );
}
