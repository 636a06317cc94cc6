// Tabs as a person has them: in windows of a real browser, in front or hidden behind another tab. Playwright makes every page it
// drives believe that it is seen, so these are driven past it.
import type { Browser, CDPSession } from 'playwright-core';

/** Runs in the page: what it needs it must hold itself. */
type InPage<T> = () => T | Promise<T>;

interface Answer {
  id: number;
  error?: { message: string };
  result?: { result?: { value?: unknown }; exceptionDetails?: { text: string } };
}

export interface Tab {
  run<T>(call: InPage<T>): Promise<T>;
  /** In front of the other tabs of its window. */
  show(): Promise<void>;
  windowId(): Promise<number>;
}

export class Tabs {
  readonly #session: CDPSession;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #calls = 0;

  private constructor(session: CDPSession) {
    this.#session = session;
    session.on('Target.receivedMessageFromTarget', ({ message }) => {
      const answer = JSON.parse(message) as Answer;
      this.#waiting.get(answer.id)?.(answer);
      this.#waiting.delete(answer.id);
    });
  }

  static async of(browser: Browser): Promise<Tabs> {
    return new Tabs(await browser.newBrowserCDPSession());
  }

  /** @param newWindow false: a tab in front of the one that was opened last */
  async open(url: string, newWindow = true): Promise<Tab> {
    const session = this.#session;
    const { targetId } = await session.send('Target.createTarget', { url, newWindow });
    const { sessionId } = await session.send('Target.attachToTarget', { targetId, flatten: false });
    return {
      run: async <T>(call: InPage<T>) => (await this.#run(sessionId, `(${String(call)})()`)) as T,
      async show() {
        await session.send('Target.activateTarget', { targetId });
      },
      windowId: async () => (await session.send('Browser.getWindowForTarget', { targetId })).windowId,
    };
  }

  async #run(sessionId: string, expression: string): Promise<unknown> {
    const id = ++this.#calls;
    const answered = new Promise<Answer>((resolve) => this.#waiting.set(id, resolve));
    const params = { expression, awaitPromise: true, returnByValue: true };
    const message = JSON.stringify({ id, method: 'Runtime.evaluate', params });
    await this.#session.send('Target.sendMessageToTarget', { sessionId, message });
    const { error, result } = await answered;
    if (error ?? result?.exceptionDetails) throw new Error(error?.message ?? result?.exceptionDetails?.text);
    return result?.result?.value;
  }
}
