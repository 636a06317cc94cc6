// Why a source does not deliver, as one sentence and one action, from what ffmpeg said. Pure; tested on what it says on each system.
import { explainFfmpeg } from '../../shared/ffmpeg.ts';
import type { RunEnding } from './ffmpeg-run.ts';

export interface Failure {
  reason: string;
  action: string;
  lastLines: string[];
}

const PLATFORM_SETTINGS: Readonly<Partial<Record<NodeJS.Platform, string>>> = {
  darwin: 'Allow it in System Settings, Privacy & Security; then start this program again.',
  win32: 'Allow it in Settings, Privacy & security, for desktop apps; then try again.',
  linux: 'Add yourself to the group video (and audio), log in again, then try again.',
};

type Meaning = readonly [said: RegExp, reason: string, action: string | typeof PLATFORM_SETTINGS];

const ANOTHER = 'Plug it in, or choose another.';
const CLOSE_IT = 'Close that program, then try again.';
const FULL_BUILD = 'Install a full build of ffmpeg.';

/** First match wins: the particular before the general. */
const MEANINGS: readonly Meaning[] = [
  [
    /\[(alsa|pulse)[^\]]*\][^\n]*(device or resource busy|connection terminated)/i,
    'The microphone is in use by another program.',
    CLOSE_IT,
  ],
  [
    /device or resource busy|could not run (graph|filter)|device (is )?already in use|in use by another (application|client)/i,
    'The camera is in use by another program.',
    CLOSE_IT,
  ],
  [
    /(\/dev\/(video|snd)|v4l2|alsa|audio device)[^\n]*permission denied|not authorized|access (is )?denied|cannot use [^\n]+|user (has )?(denied|declined)/i,
    'This program may not use the camera, microphone or screen.',
    PLATFORM_SETTINGS,
  ],
  [
    /cannot open display|authorization required|invalid magic cookie|could not open X display|failed to capture image/i,
    'The screen can not be captured now.',
    'Unlock the screen and log in to it, then try again.',
  ],
  [
    /selected (framerate|video size|pixel format)[^\n]*not supported|could not set video options|cannot find a proper format|VIDIOC_S_(FMT|PARM)\)?: (invalid|inappropriate)|(capture area|grab_x|screen size)[^\n]*(outside|larger|invalid)/i,
    'The device does not offer that size or frame rate.',
    'Choose another preset.',
  ],
  [
    /\[(alsa|pulse)|cannot open audio device|could not find audio|audio device not found|no such process/i,
    'The microphone is not there.',
    ANOTHER,
  ],
  [
    /cannot open video device|could not find video|video device not found|no such device|(could not enumerate|unable to BindToObject)|\/dev\/video\d+: no such file|(invalid|no) device index/i,
    'The camera is not there.',
    ANOTHER,
  ],
  [
    /unknown (encoder|decoder)|encoder not found|unknown input format|unknown filter|no such filter/i,
    'This ffmpeg lacks a part that is needed.',
    FULL_BUILD,
  ],
  [
    /cannot load (nvcuda|libcuda|nvEncode|libnvidia)|no capable devices|openencodesession|failed to initiali[sz]e (vaapi|mfx)|error (initializing|creating) (an? )?(internal )?mfx|no va display|error while opening encoder|error opening encoder|cannot (create|prepare) (compression session|encoder)|amf[^\n]*failed|hardware encoder/i,
    'The encoder does not work here now.',
    'Close other programs that encode video, then try again.',
  ],
  [
    /unrecognized option|option [^\n]*not found|error (parsing|splitting)[^\n]*option/i,
    'This ffmpeg is too old or too new for the options that are used.',
    FULL_BUILD,
  ],
  [/no space left on device/i, 'The disk is full.', 'Make room, then try again.'],
  [
    /format not on whitelist|protocol [^\n]*whitelist|whitelist/i,
    'That file names other files, which are not followed.',
    'Choose a file that is a video itself.',
  ],
  [
    /invalid data found|moov atom not found|could not find codec parameters|matches no streams|does not contain any stream/i,
    'That file is no video that ffmpeg can read.',
    'Choose another file.',
  ],
  [
    /permission denied/i,
    'That file may not be read by this program.',
    'Change its permissions, or choose another file.',
  ],
  [
    /cannot allocate memory|out of memory/i,
    'There is not enough memory.',
    'Close other programs, or choose a smaller preset.',
  ],
];

/** @param platform where ffmpeg ran: what a person can do differs */
export function explainRun({ lines, problem, wrote }: RunEnding, platform: NodeJS.Platform): Failure {
  const text = lines.join('\n');
  for (const [said, reason, action] of MEANINGS)
    if (said.test(text))
      return { reason, action: typeof action === 'string' ? action : settingsOf(platform), lastLines: lines };
  if (problem !== null)
    return {
      reason: `The source is of no use: ${problem}.`,
      action: silentAction(problem, platform),
      lastLines: lines,
    };
  // A known sentence has its action behind the colon; an unknown one ends with ffmpeg's own words.
  const sentence = explainFfmpeg(text);
  const [, reason, action] = /^(?!ffmpeg stopped)(.+): (.+)$/.exec(sentence) ?? [];
  return reason !== undefined && action !== undefined
    ? { reason: `${reason}.`, action: action.charAt(0).toUpperCase() + action.slice(1), lastLines: lines }
    : {
        reason: lines.length === 0 && wrote ? 'ffmpeg was ended by something else.' : sentence,
        action: 'Try again, or choose another source; the last lines say more.',
        lastLines: lines,
      };
}

const settingsOf = (platform: NodeJS.Platform): string =>
  PLATFORM_SETTINGS[platform] ?? 'Allow it in the system settings, then try again.';

const silentAction = (problem: string, platform: NodeJS.Platform): string =>
  problem.startsWith('nothing came') && platform === 'darwin'
    ? settingsOf(platform)
    : 'Plug the device in anew, or choose another source.';
