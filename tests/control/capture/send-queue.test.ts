import { describe, expect, it } from 'vitest';
import { queued } from '../../../servers/control/capture/accepted.ts';
import { Recent } from '../../../servers/control/capture/recent.ts';
import { SendQueue } from '../../../servers/control/capture/send-queue.ts';

const init = (name: string) => ({ bytes: Buffer.from(name), tracks: [], mime: 'video/mp4' });
const key = (name: string) => ({ bytes: Buffer.from(name), key: true });
const delta = (name: string) => ({ bytes: Buffer.from(name), key: false });

function all(queue: SendQueue): string[] {
  const taken: string[] = [];
  for (let bytes = queue.take(); bytes; bytes = queue.take()) taken.push(bytes.toString());
  return taken;
}

describe('what waits to be sent', () => {
  it('begins with a keyframe', () => {
    const queue = new SendQueue();
    queue.begin(init('I'), 0);
    queue.add(delta('a'), 0);
    queue.add(key('K'), 0);
    queue.add(delta('b'), 0);
    expect(all(queue)).toEqual(['I', 'K', 'b']);
    expect(queue.dropped).toBe(1);
  });

  it('goes all at once when it is too old, and goes on at the next keyframe', () => {
    const queue = new SendQueue({ ageMs: 100, bytes: 1_000 });
    queue.begin(init('I'), 0);
    queue.add(key('K'), 0);
    queue.add(delta('a'), 101);
    queue.add(delta('b'), 120);
    queue.add(key('L'), 130);
    queue.add(delta('c'), 140);
    expect(all(queue)).toEqual(['I', 'L', 'c']); // the beginning is still needed
    expect(queue.dropped).toBe(3);
    expect(queue.bytes).toBe(0);
  });

  it('goes when it is too much, and a keyframe that makes it so is kept', () => {
    const queue = new SendQueue({ ageMs: 1_000, bytes: 5 });
    queue.add(key('K'), 0);
    queue.add(delta('aaaa'), 0);
    queue.add(key('L'), 0);
    queue.add(delta('b'), 0);
    expect(all(queue)).toEqual(['L', 'b']);
  });

  it('never grows above its limits, whatever comes', () => {
    const queue = new SendQueue({ ageMs: 1_000, bytes: 50 });
    for (let at = 0; at < 5_000; at++) {
      queue.add({ bytes: Buffer.alloc(7), key: at % 30 === 0 }, at);
      expect(queue.bytes).toBeLessThanOrEqual(50);
    }
  });

  it('waits for a keyframe behind another beginning', () => {
    const queue = new SendQueue();
    queue.add(key('K'), 0);
    queue.begin(init('J'), 0);
    queue.add(delta('a'), 0);
    queue.add(key('L'), 0);
    expect(all(queue)).toEqual(['K', 'J', 'L']);
  });
});

describe('what a newcomer gets', () => {
  it('is the fragments since the last keyframe, and none of before the first', () => {
    const recent = new Recent();
    recent.begin(init('I'));
    recent.add(delta('a'));
    expect(recent.fragments).toEqual([]);
    for (const fragment of [key('K'), delta('b'), key('L'), delta('c')]) recent.add(fragment);
    expect(recent.fragments.map(({ bytes }) => bytes.toString())).toEqual(['L', 'c']);
    recent.clear();
    expect(recent.init).toBeNull();
  });
});

it('reads what lies in the kernel for one connection', () => {
  const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid
   0: 0100007F:A26B 0100007F:EC24 01 00000000:0002025F 00:00000000 00000000     0
   1: 0100007F:EC24 0100007F:A26B 01 0001688D:00000000 01:00000014 00000000     0
`;
  expect(queued(table, 0xec24, 0xa26b)).toBe(0x1688d);
  expect(queued(table, 0xa26b, 0xec24)).toBe(0);
  expect(queued(table, 1, 2)).toBeNull();
});
