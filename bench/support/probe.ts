// Runs inside a page: reads the clock out of the picture on screen and notices when the picture stands still. Nothing of the product
// is asked here; only the <video> is looked at.
import { BLOCK, BLOCKS_PER_ROW, TIME_BITS } from './clock-source.ts';

export interface Probe {
  /** Delays of single frames when they were presented, ms. */
  delays: number[];
  /** Time in which the picture stood although it had begun, beyond `graceMs` each. */
  stallMs: number;
  stalls: number;
  watchedMs: number;
  firstFrameMs: number | null;
}

declare global {
  interface Window {
    probe: Probe;
  }
}

interface Numbers {
  block: number;
  perRow: number;
  bits: number;
  sampleEveryMs: number;
  graceMs: number;
}

export const NUMBERS: Numbers = {
  block: BLOCK,
  perRow: BLOCKS_PER_ROW,
  bits: TIME_BITS,
  sampleEveryMs: 250,
  graceMs: 150,
};

/** To be given to `page.addInitScript` with NUMBERS: it stands alone, nothing outside it exists in the page. */
export function installProbe({ block, perRow, bits, sampleEveryMs, graceMs }: Numbers): void {
  const startedMs = performance.now();
  const probe: Probe = { delays: [], stallMs: 0, stalls: 0, watchedMs: 0, firstFrameMs: null };
  window.probe = probe;
  const canvas = new OffscreenCanvas(perRow * 3, 6);
  const context = canvas.getContext('2d', { willReadFrequently: true });
  const read = (video: HTMLVideoElement): number | null => {
    if (!context) return null;
    context.drawImage(video, 0, 0, perRow * block, 2 * block, 0, 0, perRow * 3, 6);
    const { data } = context.getImageData(0, 0, perRow * 3, 6);
    const values: number[] = [];
    for (let i = 0; i < bits + 4; i++) {
      const x = (i % perRow) * 3 + 1;
      const y = Math.floor(i / perRow) * 3 + 1;
      values.push((data[(y * perRow * 3 + x) * 4] ?? 0) > 127 ? 1 : 0);
    }
    const check = values.slice(0, bits).reduce((sum, bit, i) => (sum + bit * (i + 1)) % 16, 0);
    const given = values.slice(bits).reduce((sum, bit) => sum * 2 + bit, 0);
    return check === given ? values.slice(0, bits).reduce((sum, bit) => sum * 2 + bit, 0) : null;
  };
  let lastSampleMs = 0;
  let last = { time: -1, atMs: 0 };
  let isStalled = false;
  const watch = (video: HTMLVideoElement): void => {
    video.requestVideoFrameCallback(() => {
      const nowMs = performance.now();
      probe.firstFrameMs ??= nowMs - startedMs;
      if (nowMs - lastSampleMs >= sampleEveryMs) {
        lastSampleMs = nowMs;
        const stampMs = read(video);
        if (stampMs !== null && probe.delays.length < 10_000) probe.delays.push(Date.now() - stampMs);
      }
      watch(video);
    });
  };
  let watched: HTMLVideoElement | null = null;
  let lookedMs = startedMs;
  setInterval(() => {
    const nowMs = performance.now();
    const video = document.querySelector('video');
    if (video && video !== watched) {
      watched = video;
      watch(video);
    }
    const elapsed = nowMs - lookedMs;
    lookedMs = nowMs;
    if (!video || probe.firstFrameMs === null) return;
    probe.watchedMs += elapsed;
    const frames = video.getVideoPlaybackQuality().totalVideoFrames;
    if (frames !== last.time) {
      if (isStalled) probe.stallMs += nowMs - last.atMs - graceMs;
      isStalled = false;
      last = { time: frames, atMs: nowMs };
    } else if (!isStalled && nowMs - last.atMs > graceMs) {
      isStalled = true;
      probe.stalls++;
    }
  }, 50);
}
