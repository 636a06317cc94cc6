// Whatever is killed comes back into a playing system, and viewers are told the truth meanwhile. Nobody reloads a page here.
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { findFfmpeg } from '../../servers/shared/ffmpeg.ts';
import { openBrowser } from '../support/browser.ts';
import { startEncoder } from '../support/encoder.ts';
import { openViewer, playsOn, type ViewerPage } from '../support/pages.ts';
import { descendantsOf, start, type Owned } from '../support/processes.ts';
import { startStack, type Stack } from '../support/stack.ts';
import { until } from '../support/until.ts';

let browser: Browser;
beforeAll(async () => {
  browser = await openBrowser();
});
afterAll(() => browser?.close());

const twoViewers = async (stack: Stack): Promise<[ViewerPage, ViewerPage]> => {
  const first = await openViewer(browser, stack.ready.watch);
  onTestFinished(() => first.leave());
  await playsOn(first, 5);
  const second = await openViewer(browser, stack.ready.watch);
  onTestFinished(() => second.leave());
  await playsOn(second, 5);
  await until(
    'the second to be fed by the first',
    async () => (await second.stats()).parents.some((p) => p.kind === 'peer'),
    { withinMs: 15_000 },
  );
  return [first, second];
};

const kill = (stack: Stack, program: string): void => {
  const victim = descendantsOf(stack.process.pid).find((one) => one.command.includes(`/${program}.js`));
  if (!victim) throw new Error(`${program} is not running`);
  process.kill(victim.pid, 'SIGKILL');
};

it('forward, tracker and coordinate are killed one after the other; both viewers play on', async () => {
  const stack = await startStack(['--source', 'test']);
  onTestFinished(async () => void (await stack.stop()));
  const viewers = await twoViewers(stack);
  for (const program of ['forward', 'tracker', 'coordinate']) {
    kill(stack, program);
    await until(`${program} to be back`, () =>
      descendantsOf(stack.process.pid).some((one) => one.command.includes(`/${program}.js`)),
    );
    for (const viewer of viewers) await playsOn(viewer, 60, 30_000);
    await until(
      'both fed as before',
      async () =>
        (await Promise.all(viewers.map((v) => v.stats()))).some((s) => s.parents.some((p) => p.kind === 'peer')),
      { withinMs: 30_000 },
    );
  }
  const epochs = await Promise.all(
    viewers.map((v) => v.page.evaluate(() => performance.getEntriesByType('navigation').length)),
  );
  expect(epochs).toEqual([1, 1]);
});

const encode = (push: string, size: string, more: readonly string[] = []): Owned => {
  const encoder = startEncoder(push, size, more);
  onTestFinished(async () => void (await encoder.stop('SIGKILL')));
  return encoder;
};

it('an encoder that drops is told as interrupted; with another resolution it goes on without a reload; a clean end is an end', async () => {
  const stack = await startStack();
  onTestFinished(async () => void (await stack.stop()));
  const viewer = await openViewer(browser, stack.ready.watch);
  onTestFinished(() => viewer.leave());
  await until('the word that nobody broadcasts yet', async () =>
    (await viewer.notice()).includes('Waiting for the broadcast'),
  );

  const first = encode(stack.ready.push, '640x360');
  await playsOn(viewer, 30, 20_000);
  const widthOf = (): Promise<number> => viewer.page.evaluate(() => document.querySelector('video')?.videoWidth ?? 0);
  expect(await widthOf()).toBe(640);
  await first.stop('SIGKILL');
  await until('the word that it is interrupted', async () => (await viewer.notice()).includes('interrupted'));

  encode(stack.ready.push, '480x270', ['-t', '6']);
  await playsOn(viewer, 30, 20_000);
  await until('the new resolution', async () => (await widthOf()) === 480);
  await until('the word that it has ended', async () => (await viewer.notice()).includes('ended'), {
    withinMs: 20_000,
  });
  expect(await viewer.stats()).toMatchObject({ state: 'ended' });
});

it("the origin's push command plays", async () => {
  const stack = await startStack();
  onTestFinished(async () => void (await stack.stop()));
  const encoder = start(findFfmpeg() ?? 'ffmpeg', [
    ...String.raw`-v error -f lavfi -i testsrc2=s=640x480:r=30 -r 30 -f mpeg1video -vf crop=iw-mod(iw\,2):ih-mod(ih\,2) -b 100K -r 30`.split(
      ' ',
    ),
    `${stack.ready.coordinate}/stream`,
  ]);
  onTestFinished(async () => void (await encoder.stop('SIGKILL')));
  const viewer = await openViewer(browser, stack.ready.watch);
  onTestFinished(() => viewer.leave());
  await playsOn(viewer, 60, 30_000);
  expect(await viewer.page.evaluate(() => document.querySelector('video')?.videoWidth)).toBe(640);
});
