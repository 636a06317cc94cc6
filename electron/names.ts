// Names that main process and preload must agree on.

export const SCHEME = 'app';
export const ORIGIN = 'app://console';

/** The page of the hidden window that carries a synthetic audience. */
export const AUDIENCE_PAGE = `${ORIGIN}/audience-window.html`;

export const CHANNEL = {
  call: 'console:call',
  listen: 'console:listen',
  preview: 'console:preview',
  event: 'console:event',
  picture: 'console:picture',
} as const;

/** Between a hidden window and the app; each window has its own. */
export const AUDIENCE = {
  start: 'audience:start',
  tell: 'audience:tell',
  read: 'audience:read',
  ended: 'audience:ended',
  order: 'audience:order',
  stop: 'audience:stop',
} as const;
