// Timers that a hidden tab does not hold back. While the page is seen its own timers do, at no cost; when it is hidden, browsers hold
// them to a second or more, so a small worker counts instead.

const WORKER = `onmessage=({data:[id,ms]})=>{setTimeout(()=>postMessage(id),ms)}`;

interface Pending {
  call: () => void;
  dueMs: number;
  timer: ReturnType<typeof setTimeout> | null;
}

/** @returns `after` for PeerEnv; falls back to the page's timers where workers are not allowed */
export function createTicker(): (ms: number, call: () => void) => () => void {
  const pending = new Map<number, Pending>();
  let next = 1;
  const fire = (id: number): void => {
    const { call } = pending.get(id) ?? {};
    pending.delete(id);
    call?.();
  };
  const worker = startWorker(fire);
  const arm = (id: number, one: Pending): void => {
    const ms = Math.max(0, one.dueMs - performance.now());
    if (worker && document.hidden) worker.postMessage([id, ms]);
    else one.timer = setTimeout(fire, ms, id);
  };
  document.addEventListener('visibilitychange', () => {
    if (!worker || !document.hidden) return;
    // What the page's timers hold would come late now: the worker takes it over. Firing twice is harmless, the first one counts.
    for (const [id, one] of pending) {
      if (one.timer === null) continue;
      clearTimeout(one.timer);
      one.timer = null;
      arm(id, one);
    }
  });
  return (ms, call) => {
    const id = next++;
    const one: Pending = { call, dueMs: performance.now() + ms, timer: null };
    pending.set(id, one);
    arm(id, one);
    return () => {
      if (one.timer !== null) clearTimeout(one.timer);
      pending.delete(id);
    };
  };
}

function startWorker(fired: (id: number) => void): Worker | null {
  try {
    const worker = new Worker(URL.createObjectURL(new Blob([WORKER], { type: 'text/javascript' })));
    worker.onmessage = ({ data }: MessageEvent<number>) => fired(data);
    return worker;
  } catch (error) {
    console.info('P2PLive: no worker here, a hidden tab will relay less evenly.', error);
    return null;
  }
}
