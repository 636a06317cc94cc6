// Types of carried-ffmpeg.mjs, which runs before anything is built.

export type CarriedFfmpeg = { version: string; configuration: string; licence: string } | { why: string };

/** May this build be passed on, and how? @param versionText what `ffmpeg -version` writes */
export function carriedFfmpeg(versionText: string): CarriedFfmpeg;
