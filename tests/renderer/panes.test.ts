// The small decisions of the panes: sources, push commands, log filters, settings, numbers.
import { describe, expect, it } from 'vitest';
import { watchTarget } from '../../renderer/broadcast/monitor.ts';
import { playingIn } from '../../renderer/broadcast/monitor-store.ts';
import { numbersOf } from '../../renderer/broadcast/numbers.ts';
import { deskOf, ffmpegCommand, pushUrl } from '../../renderer/broadcast/push-commands.ts';
import { groupsOf, keyOf, sourceOf } from '../../renderer/broadcast/source-choice.ts';
import { bitRate, byteSize, delay, duration, momentOf, percent } from '../../renderer/format.ts';
import { countUntil, filterLines, highlight } from '../../renderer/logs/filter.ts';
import { checkSetting, fieldOf } from '../../renderer/settings/check-setting.ts';
import { checkAudience, typedOf, USUAL } from '../../renderer/rehearsal/audience-fields.ts';
import { tokenOf } from '../../renderer/wire/token.ts';
import { FakeMesh } from '../support/fake-mesh.ts';
import { DEVICES, logLine, sampleAt, SETTINGS } from '../support/fake-plane-data.ts';

describe('sources', () => {
  it('have keys that lead back to them, whatever stands in a device’s id', () => {
    const camera = { kind: 'camera', camera: 'video=Cam: "1"', microphone: 'mic:0' } as const;
    expect(sourceOf(keyOf(camera), 'mic:0')).toEqual(camera);
    for (const kind of ['test', 'external'] as const) expect(sourceOf(keyOf({ kind }), null)).toEqual({ kind });
    expect(sourceOf('nonsense:1', null)).toBeNull();
  });

  it('stay in the list when their device has gone', () => {
    const groups = groupsOf(DEVICES, { kind: 'camera', camera: '/dev/video9', microphone: null });
    expect(groups[0]).toEqual({ name: 'In use', options: [{ key: 'camera:/dev/video9', name: '/dev/video9' }] });
    expect(groupsOf(null, null).map((group) => group.name)).toEqual(['Others']);
  });
});

describe('an encoder of one’s own', () => {
  it('is given the address with its key', () => {
    expect(pushUrl({ url: 'http://h/stream', key: 'a b' })).toBe('http://h/stream?key=a%20b');
    expect(pushUrl({ url: 'http://h/stream?x=1', key: 'k' })).toBe('http://h/stream?x=1&key=k');
    expect(pushUrl({ url: 'http://h/stream', key: null })).toBe('http://h/stream');
  });

  it('is given a command for the system of the plane', () => {
    const push = { url: 'http://h/stream', key: null };
    expect(ffmpegCommand(deskOf('win32'), push)).toContain('-f dshow');
    expect(ffmpegCommand(deskOf('darwin'), push)).toContain('-f avfoundation');
    expect(ffmpegCommand(deskOf('linux'), push)).toContain('-f v4l2');
  });
});

describe('the monitor', () => {
  it('finds coordinate and stream in a watch link', () => {
    expect(watchTarget('http://127.0.0.1:8080/watch/live')).toEqual({
      coordinate: 'http://127.0.0.1:8080',
      stream: 'live',
    });
    expect(watchTarget('https://h/tv/watch/a_b')).toEqual({ coordinate: 'https://h/tv', stream: 'a_b' });
    expect(watchTarget('nonsense')).toBeNull();
  });

  it('is no audience', () => {
    const { tables } = new FakeMesh(5);
    const [first = ''] = Object.keys(tables.viewers);
    expect(playingIn(tables, null)).toBe(5);
    expect(playingIn(tables, first)).toBe(4);
    expect(numbersOf(sampleAt(0, 5), null)[0]?.[1]).toBe('5');
    expect(numbersOf(null, null).map(([, value]) => value)).toEqual(Array.from({ length: 6 }, () => '-'));
  });
});

describe('log lines', () => {
  const lines = Array.from({ length: 30 }, (_, i) => logLine(i, i * 1_000));
  it('are filtered by program, level and text together', () => {
    expect(filterLines(lines, { program: '', level: 20, text: '' })).toHaveLength(30);
    const some = filterLines(lines, { program: 'forward', level: 40, text: 'LOST its' });
    expect(some.length).toBeGreaterThan(0);
    expect(some.every((line) => line.program === 'forward' && line.level >= 40)).toBe(true);
  });

  it('are marked where the text stands, as often as it does', () => {
    expect(highlight('a Parent, a parent', 'PARENT').filter((part) => part.isHit)).toHaveLength(2);
    expect(highlight('abab', 'ab').map((part) => part.text)).toEqual(['ab', 'ab']);
    expect(highlight('plain', '')).toEqual([{ text: 'plain', isHit: false }]);
    expect(highlight('\u0130 parent', 'parent')).toEqual([{ text: '\u0130 parent', isHit: false }]);
  });

  it('are cut at a moment', () => {
    expect(countUntil(lines, 4_500)).toBe(5);
    expect(countUntil(lines, -1)).toBe(0);
    expect(countUntil(lines, 1e9)).toBe(30);
  });
});

describe('settings', () => {
  const row = (name: string) => SETTINGS.find((one) => one.name === name) ?? SETTINGS[0];
  it('are checked by their kind', () => {
    const port = row('coordinate.port');
    const regions = row('regions');
    if (!port || !regions) throw new Error('the made-up settings have changed');
    expect(checkSetting(port, ' 80 ')).toEqual({ ok: true, value: 80 });
    expect(checkSetting(port, 'abc')).toMatchObject({ ok: false });
    expect(checkSetting(port, '')).toEqual({ ok: true, value: null });
    expect(checkSetting(regions, '{"a":')).toMatchObject({ ok: false });
  });

  it('a refusal is put beside the field that it names', () => {
    expect(fieldOf('tracker.port must be free.', SETTINGS, ['share', 'stun'])).toBe('tracker.port');
    expect(fieldOf('No.', SETTINGS, ['stun'])).toBe('stun');
    expect(fieldOf('No.', SETTINGS, ['stun', 'regions'])).toBeNull();
  });
});

it('numbers are written as a person reads them', () => {
  expect([bitRate(0), bitRate(64_000), bitRate(2_480_000)]).toEqual(['0 kbit/s', '64 kbit/s', '2.48 Mbit/s']);
  expect([byteSize(12_400_000), byteSize(3.2e9)]).toEqual(['12.4 MB', '3.20 GB']);
  expect([delay(320.4), delay(1_440)]).toEqual(['320 ms', '1.4 s']);
  expect([duration(4_000), duration(725_000), duration(11_220_000)]).toEqual(['4 s', '12 min 05 s', '3 h 07 min']);
  expect([percent(0.8612), percent(1)]).toEqual(['86.1 %', '100 %']);
});

it('the token is what the link says, and nothing else', () => {
  expect(tokenOf('#token=abc')).toBe('abc');
  expect(tokenOf('#token=')).toBeNull();
  expect(tokenOf('')).toBeNull();
  expect(tokenOf(`#token=${'x'.repeat(501)}`)).toBeNull();
});

describe('a new audience', () => {
  it('is asked for as the plane takes it', () => {
    const typed = { ...USUAL, viewers: ' 6 ', churnPerMinute: '15', loss: '0.5' };
    expect(checkAudience(typed, 200)).toEqual({
      ok: true,
      numbers: { viewers: 6, churnPerMinute: 0.15, loss: 0.005, evil: 0, seconds: 60, seed: 1 },
    });
  });

  it('stands in the form again as it was typed', () => {
    const checked = checkAudience({ ...USUAL, churnPerMinute: '7', loss: '0.3' }, 200);
    expect(checked.ok && typedOf({ ...checked.numbers, uplink: 'rich' })).toEqual({
      ...USUAL,
      churnPerMinute: '7',
      loss: '0.3',
    });
  });

  it.each([
    ['viewers', '0', 'A whole number from 1 to 40 is needed here.'],
    ['viewers', '41', 'A whole number from 1 to 40 is needed here.'],
    ['viewers', '2.5', 'A whole number from 1 to 40 is needed here.'],
    ['viewers', '', 'A number is needed here.'],
    ['viewers', '0x10', 'A number is needed here.'],
    ['seconds', '1e3', 'A number is needed here.'],
    ['churnPerMinute', '1001', 'A number from 0 to 1000 is needed here.'],
    ['evil', '-1', 'A number from 0 to 50 is needed here.'],
  ])('has no %s of "%s"', (key, text, problem) => {
    expect(checkAudience({ ...USUAL, [key]: text }, 40)).toEqual({ ok: false, problems: { [key]: problem } });
  });
});

it('a moment of another day has its day', () => {
  const noon = new Date(2026, 10, 27, 12).getTime();
  expect(momentOf(noon, noon + 3_600_000)).toBe('12:00:00');
  expect(momentOf(noon, noon + 86_400_000)).toBe('27 Nov 2026, 12:00:00');
});
