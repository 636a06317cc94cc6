// The demuxer for each format that is taken without ffmpeg.
import { AdtsDemuxer } from './adts.ts';
import { FlvDemuxer } from './flv-demux.ts';
import { Mp4Demuxer } from './mp4-demux.ts';
import type { Demuxer, MediaSink } from './sample.ts';
import { TsDemuxer } from './ts-demux.ts';

export type DirectFormat = 'flv' | 'mp4' | 'mpegts' | 'adts';

export interface DemuxerHints {
  /** The program of a transport stream; null: the first with something in it. */
  program?: number | null;
  /** A clock, for a live stream that carries no times. */
  arrivalUs?: (() => number) | null;
}

export function demuxerFor(format: DirectFormat, sink: MediaSink, hints: DemuxerHints = {}): Demuxer {
  switch (format) {
    case 'flv':
      return new FlvDemuxer(sink);
    case 'mp4':
      return new Mp4Demuxer(sink);
    case 'mpegts':
      return new TsDemuxer(sink, hints.program ?? null);
    case 'adts':
      return new AdtsDemuxer(sink, hints.arrivalUs ?? null);
  }
}
