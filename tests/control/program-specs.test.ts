// How programs are started: what a setting changes in which command line.
import { describe, expect, it } from 'vitest';
import { specOf, type ProgramSettings } from '../../servers/control/program-specs.ts';
import { SettingsDesk } from '../../servers/control/settings-desk.ts';

const INNER = { coordinate: 'http://127.0.0.1:8080', tracker: 'http://127.0.0.1:9090' };
const TRACKER_WAS = { event: 'ready', tracker: 'http://127.0.0.1:9090', port: 9090, stunPort: 9191 };
const settings = (texts: Record<string, string>): ProgramSettings =>
  new SettingsDesk({ flags: new Map(), env: {}, file: null }).resolve(texts);
const tracker = (texts: Record<string, string>): string =>
  specOf('tracker', settings(texts), INNER, TRACKER_WAS).args.join(' ');

describe('a tracker that was started before', () => {
  it('keeps the STUN port that was free to choose', () => {
    expect(tracker({ 'tracker-port': '0' })).toContain('--stun-port 9191');
  });

  it('takes a STUN port that was changed, and none at all', () => {
    expect(tracker({ 'stun-port': '3478' })).toContain('--stun-port 3478');
    expect(tracker({ 'stun-port': 'off' })).toContain('--stun-port off');
  });
});
