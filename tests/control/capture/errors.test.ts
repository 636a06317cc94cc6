import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { explainRun } from '../../../servers/control/capture/errors.ts';
import { answered, unreachable } from '../../../servers/control/capture/link-failure.ts';

const CASES = readFileSync(path.join(import.meta.dirname, 'recorded/failures.txt'), 'utf8')
  .split(/^== /m)
  .slice(1)
  .map((block) => {
    const [head = '', ...lines] = block.trimEnd().split('\n');
    const [platform = '', reason = ''] = head.split(' | ');
    return { platform: platform as NodeJS.Platform, reason, lines };
  });

describe('what ffmpeg said', () => {
  it.each(CASES)('$platform: $reason ($lines.0)', ({ platform, reason, lines }) => {
    const failure = explainRun({ wrote: false, lines, problem: null }, platform);
    expect(failure).toMatchObject({ reason, lastLines: lines });
    expect(failure.action).toMatch(/^[A-Z].+\.$/);
  });

  it('asks for the permission where this system keeps it', () => {
    const lines = ['[AVFoundation indev @ 0x7fb] Cannot use FaceTime HD Camera'];
    const actionOn = (platform: NodeJS.Platform) => explainRun({ wrote: false, lines, problem: null }, platform).action;
    expect(actionOn('darwin')).toContain('System Settings');
    expect(actionOn('win32')).toContain('desktop apps');
    expect(actionOn('linux')).toContain('group video');
  });

  it('is shown as it is where nobody knows it', () => {
    const lines = ['[foo @ 0x1] The flux capacitor is empty'];
    expect(explainRun({ wrote: true, lines, problem: null }, 'linux')).toEqual({
      reason: 'ffmpeg stopped: The flux capacitor is empty',
      action: 'Try again, or choose another source; the last lines say more.',
      lastLines: lines,
    });
  });

  it('may be nothing', () => {
    const silent = explainRun({ wrote: true, lines: [], problem: 'it stopped delivering' }, 'linux');
    expect(silent.reason).toBe('The source is of no use: it stopped delivering.');
    expect(explainRun({ wrote: true, lines: [], problem: null }, 'linux').reason).toContain('ended by something else');
  });
});

describe('what the server answered', () => {
  it.each([
    [401, false],
    [403, false],
    [404, false],
    [415, false],
    [409, true],
    [408, true],
    [503, true],
  ])('%i: try again? %s', (status, retry) => {
    expect(answered(status, 'A sentence.\nmore')).toMatchObject({ retry, reason: 'A sentence.' });
  });

  it('is no page of a proxy', () => {
    expect(answered(502, '<html><h1>Bad Gateway</h1>').reason).toBe('The server ended the stream with status 502.');
  });

  it('may be nothing: the network’s reasons in words', () => {
    const because = (code: string) => unreachable(Object.assign(new Error(code), { code }));
    expect(because('ECONNREFUSED')).toMatchObject({ retry: true, action: 'Start it, or correct the address.' });
    expect(because('ENETUNREACH').reason).toContain('there is no network');
    expect(because('EODD').reason).toBe('The coordinate is not there (EODD).');
  });
});
