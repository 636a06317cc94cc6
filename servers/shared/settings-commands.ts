// Rows of the settings table: the headless peer and `p2plive up`.
import * as kind from './setting-kinds.ts';
import { setting } from './setting.ts';

export const PEER = [
  setting({
    programs: ['peer'],
    key: 'coordinate',
    flag: 'coordinate',
    kind: kind.httpUrl,
    default: 'http://127.0.0.1:8080',
    help: 'The coordinate whose stream to join.',
  }),
  setting({
    programs: ['peer'],
    key: 'stream',
    flag: 'stream',
    kind: kind.streamName,
    default: 'live',
    help: 'Name of the stream.',
  }),
  setting({
    programs: ['peer'],
    key: 'count',
    flag: 'count',
    kind: kind.whole(1, 1_000),
    default: 1,
    unit: 'peers',
    help: 'How many peers to run in this process.',
  }),
  setting({
    programs: ['peer'],
    key: 'role',
    flag: 'role',
    kind: kind.oneOf(['viewer', 'relay']),
    default: 'viewer' as 'viewer' | 'relay',
    help: 'A viewer counts as audience, a relay only helps.',
  }),
  setting({
    programs: ['peer'],
    key: 'shares',
    flag: 'shares',
    kind: kind.yesNo,
    default: true,
    help: 'Pass the stream on to others.',
  }),
  setting({
    programs: ['peer'],
    key: 'evil',
    flag: 'evil',
    kind: kind.oneOf(['corrupt', 'mute', 'liar', 'boast', 'accuse', 'flood']),
    default: undefined,
    help: 'For drills and tests: misbehave in this way. Never on an audience that is not yours.',
  }),
] as const;

export const UP = [
  setting({
    programs: ['up'],
    key: 'source',
    flag: 'source',
    kind: kind.oneOf(['test']),
    default: undefined,
    help: 'Go live at once: test is a pattern with a running clock and a tone.',
  }),
  setting({
    programs: ['up'],
    key: 'json',
    flag: 'json',
    kind: kind.yesNo,
    default: false,
    help: 'Print one JSON line per event instead of text.',
  }),
  setting({
    programs: ['up'],
    key: 'headless',
    flag: 'headless',
    kind: kind.yesNo,
    default: false,
    help: 'No desktop window (the command line never opens one).',
  }),
  setting({
    programs: ['up'],
    key: 'console',
    flag: 'console',
    kind: kind.yesNo,
    default: true,
    help: 'Serve the console to a browser on this machine.',
  }),
  setting({
    programs: ['up'],
    key: 'consolePort',
    flag: 'console-port',
    kind: kind.port,
    default: 7070,
    help: 'Port of the console.',
  }),
  setting({
    programs: ['up'],
    key: 'forwardCount',
    flag: 'forward-count',
    kind: kind.whole(1, 16),
    default: 1,
    unit: 'forwards',
    help: 'Forwards to run; those after the first take any free ports.',
  }),
] as const;
