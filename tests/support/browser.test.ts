import { expect, it, onTestFinished } from 'vitest';
import { openBrowser } from './browser.ts';

it('opens a browser that plays H.264 and has data channels', async () => {
  const browser = await openBrowser();
  onTestFinished(() => browser.close());
  const page = await browser.newPage();
  const has = await page.evaluate(() => ({
    h264: MediaSource.isTypeSupported('video/mp4; codecs="avc1.4d401e,mp4a.40.2"'),
    channels: typeof new RTCPeerConnection().createDataChannel,
  }));
  expect(has).toEqual({ h264: true, channels: 'function' });
});
