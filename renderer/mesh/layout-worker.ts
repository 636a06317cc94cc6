// The layout in a thread of its own.
import { LayoutKeeper, type LayoutAnswer, type LayoutAsk } from './layout-keeper.ts';

/** The little of a worker's own globals that is used here. */
interface WorkerSelf {
  onmessage: ((event: { data: LayoutAsk }) => void) | null;
  postMessage(answer: LayoutAnswer): void;
}

const own = self as unknown as WorkerSelf;
const keeper = new LayoutKeeper();
own.onmessage = ({ data }) => own.postMessage(keeper.answer(data));
