// Why ffmpeg ended, as one sentence and one action. Pure.
import { explainFfmpeg } from '../../shared/ffmpeg.ts';
import type { RunEnding } from './ffmpeg-run.ts';

export interface Failure {
  reason: string;
  action: string;
  lastLines: string[];
}

export function explainRun({ lines, problem }: RunEnding, _platform: NodeJS.Platform): Failure {
  const reason =
    lines.length === 0 && problem !== null ? `ffmpeg was of no use: ${problem}.` : explainFfmpeg(lines.join('\n'));
  return { reason, action: 'Choose another source, or try again.', lastLines: lines };
}
