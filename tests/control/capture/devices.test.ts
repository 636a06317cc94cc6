import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import * as linux from '../../../servers/control/capture/devices-linux.ts';
import * as macos from '../../../servers/control/capture/devices-macos.ts';
import * as windows from '../../../servers/control/capture/devices-windows.ts';
import { listDevices } from '../../../servers/control/capture/devices.ts';
import { PRESETS } from '../../../servers/control/capture/presets.ts';
import { requireFfmpeg } from '../../../servers/shared/ffmpeg.ts';

const recorded = (name: string): string => readFileSync(path.join(import.meta.dirname, 'recorded', name), 'utf8');
const HD = PRESETS['720p'];

describe('on Linux', () => {
  it('cameras are the nodes that deliver pictures', () => {
    const nodes = [
      { node: 'video10', name: 'Cam Link 4K: Cam Link 4K', index: 0 },
      { node: 'video1', name: 'HD Pro Webcam C920', index: 1 },
      { node: 'video0', name: 'HD Pro Webcam C920', index: 0 },
      { node: 'v4l-touch0', name: 'a touchpad', index: 0 },
    ];
    expect(linux.camerasIn(nodes)).toEqual([
      { id: '/dev/video0', name: 'HD Pro Webcam C920' },
      { id: '/dev/video10', name: 'Cam Link 4K' },
    ]);
  });

  it('microphones come before what the computer plays', () => {
    expect(linux.pulseSourcesIn(recorded('pactl-list-sources.txt'))).toEqual([
      {
        id: 'pulse:alsa_input.usb-046d_HD_Pro_Webcam_C920_6F2B1A4F-02.analog-stereo',
        name: 'HD Pro Webcam C920 Analog Stereo',
      },
      {
        id: 'pulse:alsa_output.pci-0000_00_1f.3.analog-stereo.monitor',
        name: 'What this computer plays: Built-in Audio Analog Stereo',
      },
    ]);
    expect(linux.alsaCardsIn(recorded('arecord-l.txt'))).toEqual([
      { id: 'alsa:plughw:0,0', name: 'HDA Intel PCH: ALC3246 Analog' },
      { id: 'alsa:plughw:1,0', name: 'HD Pro Webcam C920: USB Audio' },
    ]);
    expect(linux.microphoneArgs('alsa:plughw:1,0').slice(-2)).toEqual(['-i', 'plughw:1,0']);
  });

  it('each monitor is a screen', () => {
    const screens = linux.monitorsIn(recorded('xrandr-listmonitors.txt'), ':0');
    expect(screens).toEqual([
      { id: 'x11::0+0,0 1920x1080', name: 'Screen eDP-1 (1920 x 1080), main' },
      { id: 'x11::0+1920,0 2560x1440', name: 'Screen HDMI-1 (2560 x 1440)' },
    ]);
    expect(linux.screenArgs(screens[1]?.id ?? '', HD).slice(-4)).toEqual([
      '-video_size',
      '2560x1440',
      '-i',
      ':0+1920,0',
    ]);
    expect(linux.monitorsIn('', ':1')).toEqual([{ id: 'x11::1', name: 'Screen :1' }]);
    expect(linux.screenArgs('x11::1', HD).slice(-2)).toEqual(['-i', ':1']);
  });

  it('a camera that compresses is asked to', () => {
    const formats = recorded('v4l2-list-formats.txt');
    expect(linux.compressesAt(formats, HD)).toBe(true);
    expect(linux.compressesAt(formats.replaceAll('mjpeg', 'h264 '), HD)).toBe(false);
    expect(linux.cameraArgs('/dev/video0', HD, true).join(' ')).toContain('-input_format mjpeg -framerate 30');
  });
});

describe('on a Mac', () => {
  const said = recorded('avfoundation-list.txt');
  it('screens are told from cameras, and ids are names', () => {
    expect(macos.devicesIn(said)).toEqual({
      cameras: [
        { id: 'FaceTime HD Camera', name: 'FaceTime HD Camera' },
        { id: 'Cam Link 4K', name: 'Cam Link 4K' },
        { id: 'Cam Link 4K #2', name: 'Cam Link 4K' },
      ],
      microphones: [
        { id: 'MacBook Pro Microphone', name: 'MacBook Pro Microphone' },
        { id: 'Cam Link 4K', name: 'Cam Link 4K' },
      ],
      screens: [
        { id: 'Capture screen 0', name: 'Screen 0' },
        { id: 'Capture screen 1', name: 'Screen 1' },
      ],
    });
  });

  it('an id has the number of the moment', () => {
    expect(macos.indexOf(said, 'video', 'Cam Link 4K #2')).toBe('2');
    expect(macos.indexOf(said, 'video', 'Capture screen 1')).toBe('4');
    expect(macos.indexOf(said, 'audio', 'Cam Link 4K')).toBe('1');
    expect(macos.indexOf(said, 'audio', 'FaceTime HD Camera')).toBeNull();
    expect(macos.inputArgs('0', null, HD).at(-1)).toBe('0:none');
  });
});

describe('on Windows', () => {
  const camera =
    '@device_pnp_\\\\?\\usb#vid_04f2&pid_b67c&mi_00#6&2c8f1a3&0&0000#{65e8773d-8f56-11d0-a3b9-00a0c9223196}\\global';
  const microphone = '@device_cm_{33D9A762-90C8-11D0-BD43-00A0C911CE86}\\wave_{F2C3D9E4-6B1A-4D0E-9A6B-0B6F3F0C6E11}';
  it.each(['dshow-list-4.txt', 'dshow-list-7.txt'])('%s: ids are the alternative names', (name) => {
    expect(windows.devicesIn(recorded(name))).toEqual({
      cameras: [{ id: camera, name: 'Integrated Camera' }],
      microphones: [{ id: microphone, name: 'Microphone (Realtek(R) Audio)' }],
      screens: [{ id: 'desktop', name: 'The whole desktop' }],
    });
  });

  it('two devices are one input', () => {
    expect(windows.cameraArgs(camera, microphone, HD).at(-1)).toBe(`video=${camera}:audio=${microphone}`);
    expect(windows.screenArgs(HD).slice(-2)).toEqual(['-i', 'desktop']);
  });
});

it('lists what is here without a fault', async () => {
  const found = await listDevices(requireFfmpeg());
  for (const list of [found.cameras, found.microphones, found.screens])
    expect(list.every(({ id, name }) => id !== '' && name !== '')).toBe(true);
});
