// Publishers who go, come back, replace one another and stand by: real pushes, some of them stopped in their tracks.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../support/until.ts';
import { H264, live, PICTURE, pushTo, stand, type Push, type Stand } from './harness.ts';

let coordinate: Stand;
const pushes: Push[] = [];
beforeAll(async () => {
  coordinate = await stand({ streamKey: 'right' });
});
afterAll(async () => {
  for (const { child } of pushes) child.kill('SIGKILL');
  await coordinate.close();
});

const MEDIA = [...live(PICTURE), ...H264, '-f', 'flv'];
function push(name: string, query = ''): Push {
  const one = pushTo(`${coordinate.url}/stream/${name}?key=right${query}`, MEDIA);
  pushes.push(one);
  return one;
}
const epochsOf = (name: string): number[] => [...new Set(coordinate.forward.of(name).map((unit) => unit.epoch))];
const isLive = (name: string): Promise<void> =>
  coordinate.forward.until(`${name} is live`, () => coordinate.forward.of(name).length > 5);
const hasEpochs = (name: string, count: number): Promise<void> =>
  coordinate.forward.until(`${name} has ${count} epochs`, () => {
    const epochs = epochsOf(name);
    return epochs.length >= count && coordinate.forward.of(name).filter((u) => u.epoch === epochs.at(-1)).length > 5;
  });
const said = (name: string, msg: string): Record<string, unknown>[] =>
  coordinate.logs.filter((line) => line['stream'] === name && line['msg'] === msg);

describe('a name that is taken', () => {
  it('[I4] is taken over at once when asked to, and the one before is told', async () => {
    push('over');
    await isLive('over');
    expect(pushTo(`${coordinate.url}/stream/over?key=wrong&takeover=1`, MEDIA).child.pid).toBeDefined();
    await until('the refusal', () => said('over', 'push refused').length === 1);
    expect(epochsOf('over')).toHaveLength(1);
    push('over', '&takeover=1');
    await hasEpochs('over', 2);
    await until('it is told', () =>
      said('over', 'push interrupted').some((line) => /taken its place/.test(String(line['why']))),
    );
    expect(coordinate.forward.stateOf('over')).toBe('live');
  });

  it('[I4] is not taken over from one that sends; from one that has fallen silent it is', async () => {
    const first = push('silent');
    await isLive('silent');
    const second = push('silent');
    await second.ended;
    expect(said('silent', 'push refused')[0]?.['status']).toBe(409);
    first.child.kill('SIGSTOP');
    // As an encoder that reconnects does: again and again.
    for (let tries = 0; tries < 40 && epochsOf('silent').length < 2; tries++) {
      const again = push('silent');
      await Promise.race([again.ended, hasEpochs('silent', 2)]);
    }
    expect(epochsOf('silent')).toHaveLength(2);
    first.child.kill('SIGKILL');
  });
});

describe('a backup', () => {
  it('[I4] stands by, takes over when the first one is silent, and gives back', async () => {
    const first = push('pair');
    await isLive('pair');
    push('pair', '&backup=1');
    await until('both push', () => said('pair', 'push begins').length === 2);
    first.child.kill('SIGSTOP');
    await hasEpochs('pair', 2);
    expect(coordinate.forward.stateOf('pair')).toBe('live');
    first.child.kill('SIGCONT');
    await hasEpochs('pair', 3);
    // The first one goes for good: nobody sees an end.
    first.child.kill('SIGKILL');
    await hasEpochs('pair', 4);
    expect(coordinate.forward.stateOf('pair')).toBe('live');
  });

  it('[I4] alone is shown as any other', async () => {
    push('lonely', '&backup=1');
    await isLive('lonely');
  });
});

describe('a publisher that sends nothing', () => {
  it('[I4] is an interruption after a while, and none when it goes on', async () => {
    const one = push('pauses');
    await isLive('pauses');
    one.child.kill('SIGSTOP');
    const { forward } = coordinate;
    await forward.until('it is interrupted', () => forward.stateOf('pauses') === 'interrupted');
    one.child.kill('SIGCONT');
    await forward.until('it goes on', () => forward.stateOf('pauses') === 'live');
    expect(epochsOf('pauses')).toHaveLength(1);
  });
});
