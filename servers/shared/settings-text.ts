// The settings table as text: the list of `p2plive settings` and the tables of the documentation.
import type { Program, Setting } from './setting.ts';
import { defaultText, settingsOf } from './settings-flags.ts';
import { envName, yamlKey } from './settings-table.ts';

const TITLES: Record<Program, string> = {
  coordinate: 'coordinate: takes streams in and sends viewers to a tracker',
  tracker: 'tracker: organises the viewers',
  forward: 'forward: the stable relay',
  peer: 'peer: a viewer or relay without a browser',
  up: 'up: all servers at once',
};
const ORDER: Program[] = ['up', 'coordinate', 'tracker', 'forward', 'peer'];

const flagText = (entry: Setting): string => {
  if (entry.kind.placeholder !== null) return `--${entry.flag} ${entry.kind.placeholder}`;
  return entry.default === true ? `--no-${entry.flag}` : `--${entry.flag}`;
};

const defaultCell = (entry: Setting): string => {
  const text = entry.kind.secret ? null : defaultText(entry);
  return text === null ? '' : `${text}${entry.unit && !entry.follows ? ` ${entry.unit}` : ''}`;
};

export function settingsText(): string {
  return ORDER.map((program) => {
    const rows = settingsOf([program]).map((entry) => {
      const fallback = defaultCell(entry);
      return `  ${flagText(entry)}\n      ${entry.help}${fallback === '' ? '' : ` Default: ${fallback}.`}\n      ${envName(entry.flag)}, ${yamlKey(entry)}`;
    });
    return `${TITLES[program]}\n${rows.join('\n')}`;
  }).join('\n\n');
}

export function settingsMarkdown(): string {
  const cell = (text: string): string => text.replaceAll('|', '\\|');
  const sections = ORDER.map((program) => {
    const rows = settingsOf([program]).map(
      (entry) =>
        `| \`${cell(flagText(entry))}\` | \`${envName(entry.flag)}\` | \`${yamlKey(entry)}\` | ${cell(defaultCell(entry))} | ${cell(entry.help)} |`,
    );
    return [
      `## ${TITLES[program]}`,
      '',
      '| flag | environment | YAML | default | |',
      '|---|---|---|---|---|',
      ...rows,
    ].join('\n');
  });
  return `# Settings

A flag wins over the environment, the environment over the YAML file (\`--config FILE\` or \`P2PLIVE_CONFIG\`), the file over the default.
Secrets may also stand in a file of their own: \`--mesh-secret-file\`, \`P2PLIVE_MESH_SECRET_FILE\`, \`meshSecretFile\`. This page is printed by
\`p2plive settings --markdown\`.

\`P2PLIVE_LOG_LEVEL\` (error, warn, info or debug) says how much the programs log on stderr: as JSON lines, on a terminal as
sentences. \`p2plive up\` and \`p2plive drill\` always say them as sentences, unless \`--json\` is given.

${sections.join('\n\n')}
`;
}
