// Which place of the media is due at which time, where source times stand still or leap.
import { describe, expect, it } from 'vitest';
import { TimeLine, type Mark } from '../../client/web/time-line.ts';

const mark = (atS: number, sourceMs: number, over: Partial<Mark> = {}): Mark => ({
  atS,
  sourceMs,
  capturedMs: sourceMs - 40,
  isCaptureKnown: false,
  isKey: false,
  hasPicture: true,
  ...over,
});
const lineOf = (...marks: Mark[]): TimeLine => {
  const line = new TimeLine();
  for (const one of marks) line.add(one);
  return line;
};

describe('what is due', () => {
  it('goes on with the media between units, and before the first one', () => {
    const line = lineOf(mark(10, 1_000), mark(10.1, 1_100));
    expect(line.dueS(1_050)).toBeCloseTo(10.05);
    expect(line.dueS(1_400)).toBeCloseTo(10.4);
    expect(line.dueS(500)).toBeCloseTo(9.5);
    expect(new TimeLine().dueS(0)).toBeNull();
  });

  it('waits at the next unit while source times leap, and leaps where they stand', () => {
    const late = lineOf(mark(10, 1_000), mark(10.1, 4_000));
    expect(late.dueS(2_500)).toBeCloseTo(10.1);
    const burst = lineOf(mark(10, 1_000), mark(10.1, 1_000), mark(13, 1_000), mark(13.1, 1_100));
    expect(burst.dueS(1_000)).toBeCloseTo(13);
  });

  it('is told of the newest unit that has become playable', () => {
    const line = lineOf(mark(10, 1_000), mark(10.1, 4_000));
    expect(line.newlyDueMs(10.1, 10.2)).toBe(4_000);
    expect(line.newlyDueMs(10.15, 10.2)).toBeCloseTo(4_050);
  });
});

it('tells when what is shown was captured, and nothing of what it has forgotten', () => {
  const line = lineOf(mark(10, 1_000, { isKey: true }), mark(12, 3_000, { isKey: true, isCaptureKnown: true }));
  expect(line.captured(11)).toEqual({ ms: 1_960, isKnown: false });
  expect(line.captured(12.5)?.isKnown).toBe(true);
  expect(line.captured(9)).toBeNull();
  line.forgetBefore(12);
  expect(line.captured(11)).toBeNull();
});

it('knows the keyframe before a place, and what the source itself rested', () => {
  const line = lineOf(
    mark(10, 0, { isKey: true }),
    mark(10.1, 100),
    mark(12.1, 2_100),
    mark(12.2, 2_200, { isKey: true }),
  );
  expect(line.keyBefore(12.15)).toBe(10);
  expect(line.keyBefore(13)).toBe(12.2);
  expect(line.keyBefore(9)).toBeNull();
  expect(line.pauseS(10.13)).toBeCloseTo(1.88);
  expect(line.pauseS(10.05)).toBeCloseTo(1.88); // its last unit is hardly shown to the end
  expect(line.pauseS(12.1)).toBe(0);
  expect(line.picturesBetween(10, 12.1)).toBe(2);
});

it('takes no unit that goes back: packed sound begins before the pictures it comes with', () => {
  const line = lineOf(mark(10, 1_000), mark(10.1, 1_100), mark(9.9, 1_150, { hasPicture: false }));
  expect(line.last?.atS).toBe(10.1);
});
