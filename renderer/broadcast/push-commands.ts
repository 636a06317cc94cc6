// What to paste into a terminal or OBS for an encoder of one's own.

export type Desk = 'windows' | 'macos' | 'linux';

/** @param platform what the control plane says (`process.platform`): the encoder most likely runs beside it */
export function deskOf(platform: string): Desk {
  if (/win32|windows/i.test(platform)) return 'windows';
  if (/darwin|mac/i.test(platform)) return 'macos';
  return 'linux';
}

const INPUTS: Record<Desk, string> = {
  windows: '-f dshow -rtbufsize 64M -i video="Integrated Camera":audio="Microphone"',
  macos: '-f avfoundation -framerate 30 -video_size 1280x720 -i "0:0"',
  linux: '-f v4l2 -framerate 30 -video_size 1280x720 -i /dev/video0 -f pulse -i default',
};
/** How each system names its devices. */
export const LIST_DEVICES: Record<Desk, string> = {
  windows: 'ffmpeg -f dshow -list_devices true -i dummy',
  macos: 'ffmpeg -f avfoundation -list_devices true -i ""',
  linux: 'v4l2-ctl --list-devices',
};
const ENCODING =
  '-c:v libx264 -preset veryfast -tune zerolatency -pix_fmt yuv420p -g 30 -b:v 2M -c:a aac -b:a 96k -f flv';

/** The address with its key in it. */
export function pushUrl({ url, key }: { url: string; key: string | null }): string {
  return key === null ? url : `${url}${url.includes('?') ? '&' : '?'}key=${encodeURIComponent(key)}`;
}

export function ffmpegCommand(desk: Desk, push: { url: string; key: string | null }): string {
  return `ffmpeg ${INPUTS[desk]} ${ENCODING} "${pushUrl(push)}"`;
}

/** OBS: Settings, Output, Output Mode: Advanced, Recording, Type: Custom Output (FFmpeg). */
export function obsValues(push: { url: string; key: string | null }): readonly (readonly [string, string])[] {
  return [
    ['FFmpeg Output Type', 'Output to URL'],
    ['File path or URL', pushUrl(push)],
    ['Container Format', 'mpegts'],
    ['Video Bitrate', '2500 Kbps'],
    ['Keyframe interval (frames)', '30'],
    ['Video Encoder', 'libx264'],
    ['Video Encoder Settings', 'preset=veryfast tune=zerolatency'],
    ['Audio Bitrate', '128 Kbps'],
    ['Audio Encoder', 'aac'],
  ];
}
