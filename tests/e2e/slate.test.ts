// Nobody sends: the last picture does not stand for ever, it is covered by the broadcaster's own picture, or a plain card.
import { spawn, spawnSync } from 'node:child_process';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { requireFfmpeg } from '../../servers/shared/ffmpeg.ts';
import { openBrowser } from '../support/browser.ts';
import { openViewer, playsOn } from '../support/pages.ts';
import { startStack, type Stack } from '../support/stack.ts';
import { until } from '../support/until.ts';

const ffmpeg = requireFfmpeg();
let stack: Stack;
let browser: Browser;
beforeAll(async () => {
  [stack, browser] = await Promise.all([startStack(), openBrowser()]);
});
afterAll(async () => {
  await browser?.close();
  await stack?.stop();
});

const MEDIA = ['-re', '-f', 'lavfi', '-i', 'testsrc2=s=320x180:r=30', '-c:v', 'libx264', '-tune', 'zerolatency'];
const push = (name: string) =>
  spawn(
    ffmpeg,
    [
      '-v',
      'error',
      ...MEDIA,
      '-pix_fmt',
      'yuv420p',
      '-g',
      '30',
      '-f',
      'flv',
      `${stack.ready.coordinate}/stream/${name}`,
    ],
    { stdio: 'ignore' },
  );

describe('while nobody sends', () => {
  it("[I9] viewers see the broadcaster's picture after three seconds, and the stream again when it is back", async () => {
    const { coordinate } = stack.ready;
    const png = spawnSync(ffmpeg, [
      '-v',
      'error',
      '-f',
      'lavfi',
      '-i',
      'color=teal:s=320x180:d=1',
      '-frames:v',
      '1',
      '-f',
      'image2',
      '-c:v',
      'png',
      'pipe:1',
    ]).stdout;
    const put = (body: Uint8Array<ArrayBuffer>): Promise<Response> =>
      fetch(`${coordinate}/slate/own`, { method: 'PUT', body });
    expect((await put(new TextEncoder().encode('<svg onload="alert(1)"/>'))).status).toBe(415);
    expect((await put(new Uint8Array(1_100_000))).status).toBe(413);
    expect((await put(new Uint8Array(png))).status).toBe(200);
    const source = push('own');
    try {
      const isThere = async (): Promise<boolean> =>
        (await (await fetch(`${coordinate}/streams`)).text()).includes('"live"');
      await until('the stream', isThere);
      const viewer = await openViewer(browser, `${coordinate}/watch/own`);
      await playsOn(viewer, 10);
      const slate = viewer.page.locator('.p2p-slate');
      expect(await slate.isVisible()).toBe(false);
      source.kill('SIGSTOP');
      await until('the slate', () => slate.isVisible());
      expect(await slate.locator('img').evaluate((img) => (img as HTMLImageElement).naturalWidth)).toBe(320);
      expect(await viewer.notice()).toContain('interrupted');
      if (process.env['SCREENSHOTS']) await viewer.page.screenshot({ path: `${process.env['SCREENSHOTS']}/slate.png` });
      source.kill('SIGCONT');
      await until('the picture again', async () => !(await slate.isVisible()));
      await playsOn(viewer, 10);
      expect(viewer.errors).toEqual([]);
      await viewer.leave();
    } finally {
      source.kill('SIGKILL');
    }
  });
});
