// Whether a build of ffmpeg may be passed on inside a package, and under which licence: read from what `ffmpeg -version` says of itself.
// Pure. Plain JavaScript: `npm run dist` uses it.

/** What FFmpeg's LICENSE.md says of these options of its build. */
export function carriedFfmpeg(versionText) {
  const version = /^ffmpeg version (\S+)/m.exec(versionText)?.[1];
  const configuration = /^\s*configuration: (.*)$/m.exec(versionText)?.[1]?.trim();
  if (version === undefined || configuration === undefined) return { why: 'it does not tell how it was built' };
  if (/--enable-nonfree\b/.test(configuration)) return { why: 'it was built with parts that nobody may pass on' };
  if (!/--enable-gpl\b/.test(configuration)) return { why: 'it is no GPL build, and its licence is not in resources/' };
  const edition = /--enable-version3\b/.test(configuration) ? 3 : 2;
  return { version, configuration, licence: `GNU General Public License, version ${edition} or later` };
}
