// What the tracker needs to know to start. Where the values come from is servers/shared/settings.ts.
import type { IceServer, SliceCount } from '../../protocol/fields.ts';

export interface TrackerSettings {
  host: string;
  /** HTTP and WebSocket; 0 takes any free port. */
  port: number;
  /** UDP port of the STUN responder, null for none; when it equals `port` it takes the same number as `port` really got. */
  stunPort: number | null;
  /** As viewers and the coordinate reach this tracker, e.g. `https://live.example.org:9090`. */
  publicUrl?: string | undefined;
  /** Base address of the coordinate to register at. */
  coordinate?: string | undefined;
  meshSecret?: string | undefined;
  debugToken?: string | undefined;
  region: string;
  /** auto: begins with 2 and goes where the viewers' uplinks suffice best. */
  k: SliceCount | 'auto';
  /** auto: one slice more, the XOR of the others, where the viewers' uplinks have room for it. */
  parity: 'auto' | 'on' | 'off';
  /** Full copies that forwards give to sharing viewers; absent: max(1, 0.4 % of them). */
  directCopies?: number | undefined;
  /** Copies that forwards give newcomers at once; absent: 8 % of the viewers, at least 20, and no limit up to 100 viewers. */
  startCopies?: number | undefined;
  /** A viewer uploads at most this many copies of the stream. */
  uploadCap: number;
  /** A newcomer of whom nothing is known serves nobody before this; 0: at once. */
  trustAfterMs: number;
  /** Given to viewers beside the STUN responder of this program. */
  iceServers: readonly IceServer[];
  /** Give viewers the STUN responder of this program. */
  stun: boolean;
}
