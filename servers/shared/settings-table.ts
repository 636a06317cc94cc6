// The one table of settings. Flags, environment names, YAML keys, help, the documentation and the types all follow from it;
// reading them is settings.ts.
import type { Setting } from './setting.ts';
import { PEER, UP } from './settings-commands.ts';
import { FORWARD, TRACKER } from './settings-mesh.ts';
import { COORDINATE, SHARED } from './settings-servers.ts';

export const TABLE = [...SHARED, ...COORDINATE, ...TRACKER, ...FORWARD, ...PEER, ...UP] as const;

/** The table without its literal types, for code that walks it. */
export const SETTINGS: readonly Setting[] = TABLE as readonly unknown[] as readonly Setting[];

/** Name in the environment. */
export const envName = (flag: string): string => `P2PLIVE_${flag.toUpperCase().replaceAll('-', '_')}`;

/** Place in a YAML file: what one program alone has stands in its section, the common ones at the top. */
export const yamlKey = (entry: Setting): string =>
  entry.programs.length === 1 ? `${entry.programs[0]}.${entry.key}` : entry.key;
