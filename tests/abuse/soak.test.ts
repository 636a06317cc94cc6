// A short soak: after some hundred short sessions tracker and forward are as they were (the long ones: bench/soak.ts).
import { expect, it } from 'vitest';
import { soakSessions } from '../support/soak/soak-run.ts';

it('[S13] [P14] 1,500 short sessions leave memory, handles and open files as they were', async () => {
  const { parts, trends } = await soakSessions(1_500, 150);
  expect(parts.slice(1).map((part) => part.good)).toEqual(Array.from({ length: 10 }, () => 150));
  for (const trend of Object.values(trends)) {
    expect(trend.heapMb + trend.externalMb).toBeLessThan(5);
    expect(trend.handles).toBeLessThanOrEqual(5);
    expect(trend.fds).toBeLessThanOrEqual(3);
  }
});
