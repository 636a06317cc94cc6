// Log lines as a person reads them.
import { describe, expect, it } from 'vitest';
import { logLevel, logText } from '../../servers/shared/log-text.ts';

const line = (fields: object): string =>
  JSON.stringify({ level: 40, time: '2026-11-24T20:14:03.123Z', program: 'tracker', ...fields });
/** Without the clock, which follows the zone. */
const said = (fields: object): string => logText(line(fields)).replace(/^\d\d:\d\d:\d\d /, '');

describe('a log line for a person', () => {
  it('says when, how bad, who, what, and the particulars', () => {
    expect(logText(line({ msg: 'lost the coordinate' }))).toMatch(/^\d\d:\d\d:03 warn tracker: lost the coordinate$/);
    expect(said({ reason: 'fetch failed', status: 503, why: null, msg: 'lost' })).toBe(
      'warn tracker: lost (reason: fetch failed, status: 503)',
    );
    expect(said({ forward: { id: 'f1' }, msg: 'odd' })).toBe('warn tracker: odd (forward: {"id":"f1"})');
  });

  it('says of an error what it is and where', () => {
    const err = {
      type: 'Error',
      message: 'out of paper',
      stack: 'Error: out of paper\n    at print (a.ts:1:2)\n    at b',
    };
    expect(said({ level: 50, err, msg: 'failed' })).toBe('error tracker: failed (out of paper, at print (a.ts:1:2))');
  });

  it('is one line, and moves no cursor, whatever a peer said', () => {
    expect(said({ msg: 'name', stream: 'a\u001b[2J\nb\u009b' })).toBe('warn tracker: name (stream: a [2J b )');
  });

  it('that is none stays as it is', () => {
    expect(logText('Segmentation fault')).toBe('Segmentation fault');
    expect(logText('{"level":40,"ms')).toBe('{"level":40,"ms');
    expect([logLevel('{"level":40}'), logLevel('{"level":"40"}'), logLevel('words')]).toEqual([40, null, null]);
  });
});
