// Names that main process and preload must agree on.

export const SCHEME = 'app';
export const ORIGIN = 'app://console';

export const CHANNEL = {
  call: 'console:call',
  listen: 'console:listen',
  preview: 'console:preview',
  event: 'console:event',
  picture: 'console:picture',
} as const;
