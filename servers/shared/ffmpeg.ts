// Where ffmpeg is, and what its last words mean to a person. Its arguments are their users'
// business (normalise-args.ts in the coordinate, ffmpeg-args.ts in the control plane).
import { accessSync, constants, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, join } from 'node:path';
import { EXIT, StartError } from './exit-codes.ts';

/** Where the packaged app carries its own ffmpeg, below its resources folder. */
const PACKAGED = join('ffmpeg', process.platform === 'win32' ? 'ffmpeg.exe' : 'ffmpeg');

/**
 * The ffmpeg to run, or null when this machine has none. In this order: the setting,
 * `P2PLIVE_FFMPEG`, the packaged resource, the system's PATH, the npm package (its build is old,
 * but has all that is needed here).
 * @throws StartError(ffmpegMissing) when the setting or the variable names something that can't be
 * run: a person meant that one
 */
export function findFfmpeg(setting?: string): string | null {
  for (const [path, source] of [
    [setting, 'The setting `ffmpeg`'],
    [process.env['P2PLIVE_FFMPEG'], 'The variable P2PLIVE_FFMPEG'],
  ] as const) {
    if (!path) continue;
    if (isProgram(path)) return path;
    throw new StartError(
      EXIT.ffmpegMissing,
      `${source} names ${path}, which is not a program: correct the path or leave it out.`,
    );
  }
  // Electron tells all its processes this folder, utility processes too; plain Node has none.
  const resources = (process as { resourcesPath?: string }).resourcesPath;
  const packaged = resources ? join(resources, PACKAGED) : null;
  if (packaged && isProgram(packaged)) return packaged;
  return onPath() ?? fromPackage();
}

/** As `findFfmpeg`, for whoever can't go on without it. @throws StartError(ffmpegMissing) */
export function requireFfmpeg(setting?: string): string {
  const found = findFfmpeg(setting);
  if (found) return found;
  throw new StartError(
    EXIT.ffmpegMissing,
    'No ffmpeg was found: install it (apt install ffmpeg, brew install ffmpeg, winget install ffmpeg) or name it with --ffmpeg PATH.',
  );
}

function onPath(): string | null {
  const names = process.platform === 'win32' ? ['ffmpeg.exe', 'ffmpeg.cmd'] : ['ffmpeg'];
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    if (!folder) continue;
    for (const name of names) if (isProgram(join(folder, name))) return join(folder, name);
  }
  return null;
}

function fromPackage(): string | null {
  try {
    const { path } = createRequire(import.meta.url)('@ffmpeg-installer/ffmpeg') as { path?: unknown };
    return typeof path === 'string' && isProgram(path) ? path : null;
  } catch {
    return null; // not installed, or no build for this platform: the caller says what to do
  }
}

function isProgram(path: string): boolean {
  try {
    if (!statSync(path).isFile()) return false;
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** First match wins: the particular before the general. */
const MEANINGS: readonly (readonly [pattern: RegExp, sentence: string])[] = [
  // Cameras, screens, microphones
  [
    /device or resource busy|could not run filter|device is (already )?in use|could not run graph/i,
    'The camera is in use by another program: close that program and retry.',
  ],
  [
    /(\/dev\/video\d*|avfoundation|v4l2|dshow).{0,200}(permission denied|not authorized|access denied)|(not authorized|not permitted) to (capture|use)/is,
    'This program may not use the camera or microphone: allow it in the system settings and retry.',
  ],
  [
    /could not find (video|audio) (device|only device)|cannot open (video|audio) device|no such device|cannot find a proper (format|device)|\/dev\/video\d*.{0,80}no such file/is,
    'The camera or microphone is not there: plug it in or choose another.',
  ],
  [
    /selected (framerate|video_size|pixel format).{0,60}(is not supported|by the device)|(framerate|video size|configuration).{0,40}not supported by the device/is,
    'The camera does not offer that size or frame rate: choose another preset.',
  ],
  [
    /cannot open display|could not open X display|BadMatch|BadDrawable/i,
    'The screen can not be captured here: no display is open to this program.',
  ],
  // Encoders
  [
    /cannot load (nvcuda|libcuda|libnvidia|nvEncode)|no (nvenc )?capable devices|openencodesession|failed to initiali[sz]e (vaapi|mfx|VideoToolbox)|error creating a? ?mfx|no va display|hardware (encoder|device).{0,40}(fail|not)/i,
    'The hardware encoder does not work on this machine: choose another encoder.',
  ],
  [
    /unknown encoder '?([\w-]+)|encoder not found/i,
    'This ffmpeg lacks the encoder that is needed: install a full build of ffmpeg.',
  ],
  [
    /unknown input format|requested (input|output) format .{0,40} is not/i,
    'This ffmpeg lacks the input format that is needed: install a full build of ffmpeg.',
  ],
  [
    /(option|argument).{0,80}(not found|unrecognized)|unrecognized option/i,
    'This ffmpeg is too old or too new for the options used: name another one with --ffmpeg PATH.',
  ],
  [
    /not divisible by 2|height not divisible|width not divisible/i,
    'The picture has an odd width or height: crop it to even numbers.',
  ],
  // Network
  [/HTTP error 401|401 Unauthorized/i, 'The stream key is wrong or missing: copy the push address again.'],
  [/HTTP error 409|409 Conflict/i, 'Somebody else publishes under that name: stop them or choose another name.'],
  [
    /HTTP error 415|415 Unsupported/i,
    'The coordinate does not take that kind of media: push MPEG-TS, FLV or fragmented MP4.',
  ],
  [/HTTP error (\d{3})/i, 'The server refused the stream: look at its log for the reason.'],
  [/connection refused/i, 'Nothing listens at that address: start the coordinate, or correct the address.'],
  [
    /failed to resolve|name or service not known|could not resolve|temporary failure in name resolution/i,
    'The name of that address is unknown: correct it.',
  ],
  [
    /connection timed out|timed out|network is unreachable|no route to host/i,
    'That address does not answer: check the network and the firewall.',
  ],
  [
    /broken pipe|connection reset by peer|end of file.{0,40}output/i,
    'The other side closed the connection: its log says why.',
  ],
  // Files and contents
  [/no such file or directory/i, 'The file is not there: choose another.'],
  [/permission denied/i, 'That file or device may not be read by this program: change its permissions.'],
  [/no space left on device/i, 'The disk is full: make room and retry.'],
  [
    /protocol .{0,20}not on whitelist|not on whitelist/i,
    'The data points to another file or address, which is not followed: push the media itself.',
  ],
  [
    /moov atom not found|invalid data found|could not find codec parameters|header (missing|parsing)|EBML header|non-existing PPS|does not contain any stream|pipe:0: (end of file|invalid argument|input\/output error)|matches no streams|unspecified size|decoder .{0,40}not found|unknown codec|pixel format.{0,20}none/is,
    'ffmpeg could not read that as video or audio: push MPEG-TS, FLV, Matroska or fragmented MP4.',
  ],
  [
    /cannot allocate memory|out of memory|picture size .{0,30}invalid/i,
    'The picture is too large to be handled: choose a smaller one.',
  ],
  [/conversion failed/i, 'ffmpeg gave up while converting: see its last words in the log.'],
];

/**
 * One plain sentence for the last lines that ffmpeg wrote, or null when nothing better than its own
 * words is known.
 */
export function meaningOf(stderrTail: string): string | null {
  for (const [pattern, sentence] of MEANINGS) if (pattern.test(stderrTail)) return sentence;
  return null;
}

/** The last thing that ffmpeg said, or null. */
export function lastWords(stderrTail: string): string | null {
  const last = stderrTail
    .split(/[\r\n]+/)
    .map((line) => line.replace(/^\[[^\]]*\]\s*/, '').trim())
    .filter((line) => line !== '' && !/^(frame|size)=/.test(line))
    .at(-1);
  return last ? last.slice(0, 200) : null;
}

/**
 * One plain sentence, with ffmpeg's own last line where nothing better is known: for whoever runs
 * it.
 */
export function explainFfmpeg(stderrTail: string): string {
  const words = lastWords(stderrTail);
  return meaningOf(stderrTail) ?? (words ? `ffmpeg stopped: ${words}` : 'ffmpeg stopped without saying why.');
}
