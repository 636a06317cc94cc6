// The demuxer for each format that is taken without ffmpeg.
import { FlvDemuxer } from './flv-demux.ts';
import { Mp4Demuxer } from './mp4-demux.ts';
import type { Demuxer, MediaSink } from './sample.ts';
import { TsDemuxer } from './ts-demux.ts';

export type DirectFormat = 'flv' | 'mp4' | 'mpegts';

export function demuxerFor(format: DirectFormat, sink: MediaSink): Demuxer {
  switch (format) {
    case 'flv':
      return new FlvDemuxer(sink);
    case 'mp4':
      return new Mp4Demuxer(sink);
    case 'mpegts':
      return new TsDemuxer(sink);
  }
}
