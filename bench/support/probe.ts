// Runs inside a page: reads the clock out of the picture on screen, notes what the page itself says
// of the delay at that moment, and notices when the picture stands still. What it believes is the
// picture: the product is only asked in order to be checked.
import type {} from '../../client/web/watch.ts'; // declares window.p2plive
import type { Picture } from './clock-source.ts';

export interface Sample {
  /** The wall's clock. */
  atMs: number;
  /** How old the picture on screen is. */
  trueMs: number;
  /** What the page says of it; null where it says nothing. */
  toldMs: number | null;
  state: string | null;
  bufferMs: number | null;
  targetMs: number | null;
  /** Shown so far, and decoded: a busy browser leaves out what it has decoded too late. */
  frames: number;
  decoded: number;
}

export interface Probe {
  samples: Sample[];
  /**
   * The picture stood still, by the wall's clock: what is beyond `graceMs`. The last one may still
   * last.
   */
  stands: { fromMs: number; toMs: number | null }[];
  /** Since the page was opened. */
  firstFrameMs: number | null;
  /** By the wall's clock. */
  firstFrameAtMs: number | null;
  /** When this was read out of the page. */
  readAtMs: number;
}

declare global {
  interface Window {
    probe: Probe;
  }
}

export interface ProbeNumbers {
  block: number;
  perRow: number;
  bits: number;
  sampleEveryMs: number;
  graceMs: number;
  /** Of samples, and of stalls. */
  most: number;
}

/** @param sampleEveryMs 0: every frame */
export const numbersFor = ({ block, perRow, timeBits }: Picture, sampleEveryMs = 250): ProbeNumbers => ({
  block,
  perRow,
  bits: timeBits,
  sampleEveryMs,
  graceMs: 150,
  most: 20_000,
});

/**
 * To be given to `page.addInitScript` with its numbers: it stands alone, nothing outside it exists
 * in the page.
 */
export function installProbe({ block, perRow, bits, sampleEveryMs, graceMs, most }: ProbeNumbers): void {
  const startedMs = performance.now();
  const probe: Probe = { samples: [], stands: [], firstFrameMs: null, firstFrameAtMs: null, readAtMs: 0 };
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
  const sample = (video: HTMLVideoElement): void => {
    lastSampleMs = performance.now();
    const stampMs = read(video);
    if (stampMs === null || probe.samples.length >= most) return;
    const atMs = Date.now();
    const told = window.p2plive?.stats();
    const { totalVideoFrames, droppedVideoFrames } = video.getVideoPlaybackQuality();
    probe.samples.push({
      atMs,
      trueMs: atMs - stampMs,
      toldMs: told?.delayMs ?? null,
      state: told?.state ?? null,
      bufferMs: told?.bufferMs ?? null,
      targetMs: told?.targetDelayMs ?? null,
      frames: totalVideoFrames - droppedVideoFrames,
      decoded: totalVideoFrames,
    });
  };
  const isDue = (): boolean => performance.now() - lastSampleMs >= sampleEveryMs;
  const watch = (video: HTMLVideoElement): void => {
    video.requestVideoFrameCallback(() => {
      probe.firstFrameMs ??= performance.now() - startedMs;
      probe.firstFrameAtMs ??= Date.now();
      if (isDue()) sample(video);
      watch(video);
    });
  };
  let watched: HTMLVideoElement | null = null;
  let last = { frames: -1, atMs: 0 };
  let stand: { fromMs: number; toMs: number | null } | null = null;
  setInterval(() => {
    const nowMs = Date.now();
    const video = document.querySelector('video');
    if (video && video !== watched) {
      watched = video;
      watch(video);
    }
    if (!video || probe.firstFrameMs === null) return;
    const frames = video.getVideoPlaybackQuality().totalVideoFrames;
    if (frames !== last.frames) {
      if (stand) stand.toMs = nowMs;
      stand = null;
      last = { frames, atMs: nowMs };
    } else if (nowMs - last.atMs > graceMs) {
      if (!stand && probe.stands.length < most) {
        stand = { fromMs: last.atMs + graceMs, toMs: null };
        probe.stands.push(stand);
      }
      // A picture that stands grows old on the screen.
      if (sampleEveryMs > 0 && isDue()) sample(video);
    }
  }, 50);
}
