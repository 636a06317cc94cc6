// The command line `p2plive`. Each server is a program of its own beside this file, known by name only; `up` runs them all.
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { fileURLToPath } from 'node:url';
import { Command, CommanderError } from 'commander';
import { EXIT, StartError } from './shared/exit-codes.ts';
import { loadSettings } from './shared/settings.ts';
import { explainCommandLine, flagsOf, settingsCommand } from './shared/settings-flags.ts';
import { settingsMarkdown, settingsText } from './shared/settings-text.ts';
import { drill, type DrillWords } from './drill.ts';
import { DRILLS } from '../protocol/rehearsal.ts';
import { up } from './up.ts';

const ROLES = {
  coordinate: 'Take streams in and send viewers to a tracker.',
  tracker: 'Organise the viewers of one region.',
  forward: 'Relay streams to the first viewers.',
  peer: 'Watch or relay without a browser.',
} as const;
const WHICH_LIMIT_MS = 10_000;

const program = new Command('p2plive')
  .description('Live video that viewers’ browsers pass on to each other.')
  .version(version(), '--version', 'Print the version.')
  .exitOverride()
  .showSuggestionAfterError(false)
  .configureOutput({ writeErr: () => {} });

program.addCommand(
  settingsCommand('up', ['up', 'coordinate', 'tracker', 'forward'])
    .description('Run all servers on this machine.')
    .action((_options: unknown, command: Command) => up(flagsOf(command))),
);

for (const [name, description] of Object.entries(ROLES) as [keyof typeof ROLES, string][])
  program.addCommand(
    settingsCommand(name, [name])
      .description(description)
      .action(() => runRole(name)),
  );

quiet(
  program.command('which-tracker <IP>').description('Ask a running coordinate where it would send a viewer, and why.'),
)
  .option('--coordinate <URL>', 'The coordinate to ask.', process.env['P2PLIVE_COORDINATE'] ?? 'http://127.0.0.1:8080')
  .action(whichTracker);

quiet(
  program
    .command('audience <N>')
    .description('A synthetic audience of real peers against a running system; ends with a verdict.'),
)
  .option('--coordinate <URL>', 'The coordinate whose stream to watch (default: http://127.0.0.1:8080).')
  .option('--stream <NAME>', 'Name of the stream (default: live).')
  .option('--uplink <PROFILE>', 'Uplinks: equal (default), ordinary, rich, mobile.')
  .option('--churn <RATE>', 'Share that leaves and is replaced in a minute, such as 15%/min.')
  .option('--loss <P>', 'Share of media messages that need a retransmission, such as 2%.')
  .option('--rtt <MS>', 'Round trips between viewers, added to those of the network, such as 80 or 20-150.')
  .option('--evil <P>', 'Share of viewers that misbehave, such as 5%.')
  .option('--evil-way <WAY>', 'How: corrupt (default), mute, liar, boast, accuse, flood.')
  .option('--seed <S>', 'What is drawn by chance follows from it (default: 1).')
  .option('--seconds <T>', 'Counted time, once all have joined (default: 60).')
  .option('--join-every <MS>', 'Milliseconds between two joins (default: 120).')
  .option('--settle <T>', 'Seconds between the last join and the first unit that counts (default: 5).')
  .option('--report <FILE>', 'Write the result there as JSON.')
  .option('--json', 'One JSON line per event, the verdict last.')
  .action(() => runRole('audience'));

quiet(
  program
    .command('drill <NAME>')
    .description(`Do harm on purpose to a system of its own, with a verdict: ${DRILLS.join(', ')}.`),
)
  .option('--viewers <N>', 'Synthetic viewers (default: 12).')
  .option('--report <FILE>', 'Write the report there, as JSON or, by its ending .md, in words.')
  .option('--json', 'The report as one JSON line.')
  .action(async (name: string, words: DrillWords) => {
    process.exit(await drill(name, words));
  });

quiet(program.command('settings').description('List every setting.'))
  .option('--markdown', 'As the tables of the documentation.')
  .action(({ markdown }: { markdown?: boolean }) => {
    process.stdout.write(markdown ? settingsMarkdown() : `${settingsText()}\n`);
  });

quiet(program.command('secret').description('Make a secret for the servers to share.')).action(() => {
  process.stdout.write(`${randomBytes(32).toString('base64url')}\n`);
});

try {
  await program.parseAsync();
} catch (error) {
  end(error);
}

function end(error: unknown): void {
  // Help and version were asked for and are printed already; no command at all gets the help.
  if (error instanceof CommanderError && ['commander.helpDisplayed', 'commander.version'].includes(error.code)) return;
  if (error instanceof CommanderError && error.code === 'commander.help') {
    process.stderr.write(program.helpInformation());
    process.exitCode = EXIT.badSettings;
    return;
  }
  const named = process.argv[2] ?? '';
  const command = program.commands.find((one) => one.name() === named) ?? program;
  const told = explainCommandLine(error, command);
  if (!(told instanceof StartError)) throw told;
  process.stderr.write(`${told.message}\n`);
  process.exitCode = told.code;
}

/** Runs a program in this process, as if it had been started itself. */
async function runRole(name: keyof typeof ROLES | 'audience'): Promise<void> {
  const file = new URL(`./${name}.js`, import.meta.url);
  if (!existsSync(file)) throw new StartError(EXIT.missingPart, `The ${name} is not built yet: run "npm run build".`);
  const given = process.argv.slice(3);
  const args = name === 'peer' ? peerArgs(given) : given;
  process.argv.splice(1, process.argv.length, fileURLToPath(file), ...args);
  await import(file.href);
}

/** The peer is no server and knows only its own flags: environment and file are read here. */
function peerArgs(given: string[]): string[] {
  const settings = Object.entries(loadSettings('peer', given)).filter(([, value]) => value !== undefined);
  return settings.flatMap(([key, value]) => [`--${key}`, String(value)]);
}

async function whichTracker(ip: string, { coordinate }: { coordinate: string }): Promise<void> {
  if (isIP(ip) === 0) throw new StartError(EXIT.badSettings, `${ip} is not an IP address.`);
  const token = process.env['P2PLIVE_DEBUG_TOKEN'];
  const base = coordinate.replace(/\/+$/, '');
  let answer: Response;
  try {
    answer = await fetch(`${base}/tracker/why?ip=${encodeURIComponent(ip)}`, {
      headers: { accept: 'text/plain', ...(token ? { authorization: `Bearer ${token}` } : {}) },
      signal: AbortSignal.timeout(WHICH_LIMIT_MS),
    });
  } catch {
    throw new StartError(
      EXIT.died,
      `No coordinate answers at ${base}; start it, or name another with --coordinate URL.`,
    );
  }
  const text = (await answer.text()).trimEnd();
  if (!answer.ok) throw new StartError(EXIT.died, text || `The coordinate answered with status ${answer.status}.`);
  process.stdout.write(`${text}\n`);
}

function quiet(command: Command): Command {
  return command
    .exitOverride()
    .showSuggestionAfterError(false)
    .configureOutput({ writeErr: () => {} });
}

function version(): string {
  const { version: number } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  return number;
}
