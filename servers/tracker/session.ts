// One viewer's connection from its first byte: decoding, rate limit, hello, then each message to the swarm. A malformed message ends
// this connection with a reason and touches nothing else.
import type { IncomingMessage } from 'node:http';
import type { WebSocket } from 'ws';
import { Bucket } from '../../protocol/bucket.ts';
import { decodeMessage } from '../../protocol/decode.ts';
import type { IceServer } from '../../protocol/fields.ts';
import {
  MAX_DROPPED,
  MAX_SIGNAL_CHARS,
  PROTOCOL_VERSION,
  SIGNAL_BURST,
  SIGNAL_PER_SECOND,
} from '../../protocol/limits.ts';
import { refuse, type Refusal, type Result } from '../../protocol/refusal.ts';
import { FromViewer, type FromTracker } from '../../protocol/signalling.ts';
import { awakeMs, patience } from '../shared/awake.ts';
import type { CoordinateClock } from './clock.ts';
import type { Gate } from './gate.ts';
import type { Swarm } from './swarm.ts';
import type { UploadHistory } from './upload-history.ts';
import { Viewer, type Hello } from './viewer.ts';

const HELLO_WITHIN_MS = 5_000;
/** [S13] Reports are due every second: a page that answers pings and says nothing for so long stands still, and feeds nobody. */
const MUTE_MS = 20_000;
const CLOSE_POLICY = 1008;

export interface SessionOwner {
  readonly gate: Gate;
  readonly clock: CoordinateClock;
  readonly uploadCap: number;
  readonly region: string;
  readonly history: UploadHistory;
  /** The swarm of a stream, begun when it is new; refused when there are too many of them or of viewers. */
  swarmFor(stream: string): Result<Swarm>;
  iceServersFor(request: IncomingMessage): IceServer[];
  networkOf(request: IncomingMessage): string;
}

type State =
  | { at: 'awaiting-hello'; giveUp: () => void }
  | { at: 'seated'; swarm: Swarm; viewer: Viewer }
  | { at: 'closed' };

export class Session {
  readonly #owner: SessionOwner;
  readonly #socket: WebSocket;
  readonly #request: IncomingMessage;
  readonly #bucket = new Bucket(SIGNAL_BURST, SIGNAL_PER_SECOND, performance.now());
  #dropped = 0;
  #state: State;
  /**
   * When anything last came in, pongs included; like all such times by the clock of
   * servers/shared/awake.ts.
   */
  heardMs = awakeMs();
  /** When it last said something. */
  #saidMs = awakeMs();

  constructor(owner: SessionOwner, socket: WebSocket, request: IncomingMessage) {
    this.#owner = owner;
    this.#socket = socket;
    this.#request = request;
    const giveUp = patience(HELLO_WITHIN_MS, () => this.#end(refuse('bad-message', 'Say hello first.')));
    this.#state = { at: 'awaiting-hello', giveUp };
    socket.on('message', (data, isBinary) => this.#take(data as Buffer, isBinary));
    socket.on('pong', () => this.#heard());
    socket.on('error', () => socket.terminate()); // a broken frame or one above maxPayload; `close` follows
    socket.on('close', () => this.#closed());
  }

  /** Asks for a sign of life, or ends a connection that has shown none since `deadlineMs`. */
  keepAlive(deadlineMs: number): void {
    if (this.heardMs < deadlineMs || awakeMs() - this.#saidMs > MUTE_MS) this.#socket.terminate();
    else this.#socket.ping();
  }

  get viewerId(): string | null {
    return this.#state.at === 'seated' ? this.#state.viewer.id : null;
  }

  /** [S14] An operator ends it: the viewer's page says so and stays away. */
  remove(): void {
    const detail = 'The operator ended this session. Reload the page to watch again.';
    this.#end(refuse('removed', detail));
  }

  /** The tracker goes: the viewer shall look for another or come back. */
  close(): void {
    this.#send({ type: 'refused', reason: 'shutting-down', detail: 'This tracker stops; connect again in a moment.' });
    this.#socket.close(1001);
    this.#closed();
  }

  #take(data: Buffer, isBinary: boolean): void {
    this.#heard();
    this.#saidMs = awakeMs();
    if (this.#state.at === 'closed') return;
    if (!this.#bucket.take(performance.now())) return this.#tooFast();
    if (isBinary) return this.#end(refuse('bad-message', 'This connection takes JSON text.'));
    const decoded = decodeMessage(FromViewer, data.toString('utf8'), MAX_SIGNAL_CHARS);
    if (!decoded.ok) return this.#end(decoded);
    const message = decoded.value;
    if (this.#state.at === 'awaiting-hello') {
      if (message.type === 'hello') this.#greet(message, this.#state.giveUp);
      else if (message.type === 'ping') this.#pong(message.t);
      else this.#end(refuse('bad-message', 'Say hello first.'));
    } else this.#serve(message, this.#state.swarm, this.#state.viewer);
  }

  #greet(hello: Hello, giveUp: () => void): void {
    if (hello.v !== PROTOCOL_VERSION)
      return this.#end(refuse('wrong-version', `This tracker speaks version ${PROTOCOL_VERSION}; reload the page.`));
    const { gate } = this.#owner;
    const again = hello.again;
    const known = again !== undefined && gate.knows(again.id, hello.stream, again.secret);
    if (!known) {
      const admitted = gate.admit(hello.ticket, hello.stream, this.#owner.region, Date.now());
      if (!admitted.ok) return this.#end(admitted);
    }
    const found = this.#owner.swarmFor(hello.stream);
    if (!found.ok) return this.#end(found);
    const swarm = found.value;
    // Without proof (this tracker is new and its key too) an id can be had back only while nobody has it.
    const former = again && swarm.viewer(again.id);
    const mine = again?.id.startsWith('v') && (known || !former) ? again : undefined;
    const network = this.#owner.networkOf(this.#request);
    const viewer = new Viewer(this.#socket, mine?.id ?? gate.newId(), hello, network, performance.now());
    viewer.proven = this.#owner.history.read(hello.history, Date.now());
    if (mine && !former) viewer.claims = { parents: mine.parents, children: mine.children };
    giveUp();
    this.#state = { at: 'seated', swarm, viewer };
    this.#send({
      type: 'welcome',
      v: PROTOCOL_VERSION,
      id: viewer.id,
      secret: gate.secretOf(viewer.id, hello.stream),
      k: swarm.k,
      layout: swarm.layout,
      iceServers: this.#owner.iceServersFor(this.#request),
      forwards: swarm.forwards.named(),
      targetDelayMs: swarm.target.ms,
      uploadCap: this.#owner.uploadCap,
      state: swarm.state,
      returnMs: swarm.returns.ms,
    });
    // Whoever proves its id takes over the seat from a connection that is not closed yet.
    if (mine && former) swarm.resume(former, viewer);
    else swarm.enter(viewer);
  }

  #serve(message: FromViewer, swarm: Swarm, viewer: Viewer): void {
    switch (message.type) {
      case 'hello':
        return this.#end(refuse('bad-message', 'One hello is enough.'));
      case 'signal':
        if (!swarm.signal(viewer, message.to, message.data))
          this.#send({ type: 'refused', reason: 'not-here', detail: 'That peer is not one of yours.' });
        return;
      case 'report':
        return swarm.report(viewer, message);
      case 'seated':
        return swarm.seated(viewer, message.slice, message.id, message.layout);
      case 'lost':
        return swarm.lost(viewer, message);
      case 'sharing':
        return swarm.sharing(viewer, message);
      case 'ping':
        return this.#pong(message.t);
      case 'leave':
        this.#closed();
        this.#socket.close(1000);
        return;
    }
  }

  #pong(t: number): void {
    this.#send({ type: 'pong', t, ...this.#owner.clock.now() });
  }

  #tooFast(): void {
    if (this.#dropped++ === 0)
      this.#send({
        type: 'refused',
        reason: 'too-fast',
        detail: `At most ${SIGNAL_PER_SECOND} messages a second; this one was dropped.`,
        retryMs: 1_000,
      });
    else if (this.#dropped > MAX_DROPPED)
      this.#end(refuse('too-fast', 'Too many messages for too long; connect again later.'));
  }

  #end({ refusal }: { refusal: Refusal }): void {
    this.#send({ type: 'refused', ...refusal });
    this.#socket.close(CLOSE_POLICY, refusal.reason);
    this.#closed();
  }

  #send(message: FromTracker): void {
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  #heard(): void {
    this.heardMs = awakeMs();
    if (this.#state.at === 'seated') this.#state.viewer.heardMs = this.heardMs;
  }

  /** Leaves the swarm, whoever ended the connection. */
  #closed(): void {
    const state = this.#state;
    this.#state = { at: 'closed' };
    if (state.at === 'awaiting-hello') state.giveUp();
    if (state.at === 'seated') state.swarm.leave(state.viewer);
  }
}
