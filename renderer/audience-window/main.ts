// The page of the hidden window in which the desktop app carries a synthetic audience: the same audience as under plain Node, over the
// browser's own WebRTC. It draws nothing; what it sees goes to the app, line by line.
import * as v from 'valibot';
import { JOIN_EVERY_MS } from '../../client/audience/options.ts';
import { AudienceSession } from '../../client/audience/session.ts';
import { createBrowserEnv } from '../../client/web/browser-env.ts';
import { AudienceStart } from '../../protocol/rehearsal.ts';

/** The hidden window's preload (electron/audience-preload.ts). */
interface AudienceBridge {
  start(): Promise<unknown>;
  tell(line: string): Promise<unknown>;
  /** A debug page's text; the token that opens it stays with the app. */
  read(url: string): Promise<unknown>;
  /** The last word; a sentence when it went wrong. */
  ended(problem: string | null): Promise<unknown>;
  onOrder(hear: (order: string) => void): void;
  onStop(hear: () => void): void;
}

async function carry(bridge: AudienceBridge): Promise<void> {
  const env = await createBrowserEnv();
  const start = v.parse(AudienceStart, await bridge.start());
  const session = new AudienceSession(
    env,
    { ...start, evilWay: 'corrupt', rttMs: [0, 0], joinEveryMs: JOIN_EVERY_MS, settleSeconds: 5 },
    async (url) => JSON.parse(String(await bridge.read(url))) as unknown,
    (event) => void bridge.tell(JSON.stringify(event)),
  );
  bridge.onOrder((order) => session.obey(order));
  bridge.onStop(() => session.stop());
  await session.run();
}

const { p2pliveAudience: bridge } = window as Window & { p2pliveAudience?: AudienceBridge };
// A person who opens this page in a browser finds nothing here.
if (bridge)
  carry(bridge).then(
    () => bridge.ended(null),
    (error: unknown) => bridge.ended(error instanceof Error ? error.message : String(error)),
  );
