// Sources as a list to choose from: each has a key that stands in a <select>, and a way back.
import type { Source } from '../../protocol/capture-state.ts';
import type { Devices } from '../../protocol/control.ts';

export interface SourceOption {
  key: string;
  name: string;
}

export interface SourceGroup {
  name: string;
  options: SourceOption[];
}

export function keyOf(source: Source): string {
  switch (source.kind) {
    case 'test':
    case 'external':
      return source.kind;
    case 'camera':
      return `camera:${source.camera}`;
    case 'screen':
      return `screen:${source.screen}`;
    case 'file':
      return `file:${source.file}`;
  }
}

/** @param microphone for sources that can have one */
export function sourceOf(key: string, microphone: string | null): Source | null {
  const at = key.indexOf(':');
  const kind = at < 0 ? key : key.slice(0, at);
  const id = at < 0 ? '' : key.slice(at + 1);
  switch (kind) {
    case 'test':
    case 'external':
      return { kind };
    case 'camera':
      return { kind, camera: id, microphone };
    case 'screen':
      return { kind, screen: id, microphone };
    case 'file':
      return { kind, file: id };
    default:
      return null;
  }
}

export const hasMicrophone = (source: Source): source is Extract<Source, { microphone: string | null }> =>
  source.kind === 'camera' || source.kind === 'screen';

/** All that can be chosen; a source in use whose device has gone is kept in the list, so that the list tells the truth. */
export function groupsOf(devices: Devices | null, inUse: Source | null): SourceGroup[] {
  const of = (kind: string, list: readonly { id: string; name: string }[] = []): SourceOption[] =>
    list.map(({ id, name }) => ({ key: `${kind}:${id}`, name }));
  const groups: SourceGroup[] = [
    { name: 'Cameras', options: of('camera', devices?.cameras) },
    { name: 'Screens', options: of('screen', devices?.screens) },
    { name: 'Files', options: of('file', devices?.files) },
    {
      name: 'Others',
      options: [
        { key: 'test', name: 'Test pattern' },
        { key: 'external', name: 'External encoder' },
      ],
    },
  ];
  const key = inUse === null ? null : keyOf(inUse);
  if (key !== null && !groups.some((group) => group.options.some((option) => option.key === key)))
    groups.unshift({ name: 'In use', options: [{ key, name: key.slice(key.indexOf(':') + 1) }] });
  return groups.filter((group) => group.options.length > 0);
}
