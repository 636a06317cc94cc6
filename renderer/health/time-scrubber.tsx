// The time scrubber, below the panes that can look back.

export function TimeScrubber() {
  return null;
}
