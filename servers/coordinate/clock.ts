// The coordinate's clock, which all source times are on: whole-program monotonic, so that a correction of the machine's clock
// does not tear the stream.

export const coordinateNowMs = (): number => performance.timeOrigin + performance.now();
