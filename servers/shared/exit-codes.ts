// The exit codes of every program: the supervisor and systemd decide by them.

export const EXIT = {
  ok: 0,
  /** A bug or an unexpected failure: worth a restart. */
  died: 1,
  /** Settings are wrong: a restart would fail the same way. */
  badSettings: 2,
  portTaken: 3,
  ffmpegMissing: 4,
  /** Something a peer program needs is not installed (wrtc on this platform). */
  missingPart: 5,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** An expected reason not to start or go on: one sentence for the person, one exit code for the supervisor. */
export class StartError extends Error {
  readonly code: ExitCode;
  constructor(code: ExitCode, sentence: string) {
    super(sentence);
    this.code = code;
  }
}
