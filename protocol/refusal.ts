// The closed list of reasons for which anything in P2PLive says no. Each travels with a sentence that says what to do next.
import * as v from 'valibot';

export const REFUSALS = [
  'bad-message', // could not be decoded
  'wrong-version', // the other side speaks another protocol version
  'unknown-stream',
  'bad-ticket', // missing, expired, used or for another stream
  'unauthorised', // token, secret or stream key missing or wrong
  'too-fast', // rate limit
  'too-large', // message or slice above its limit
  'full', // no capacity; ask elsewhere
  'crowded', // too many begin at once; your parents will deliver
  'not-here', // I do not have that slice, peer or unit
  'would-loop', // the asker is above me in that tree
  'starving', // I lack that slice myself
  'busy', // the name is live already
  'unsupported-media', // ffmpeg cannot read it, or it is not allowed
  'no-tracker',
  'no-forward',
  'shutting-down',
  'removed', // an operator ended this session; it does not come back by itself
] as const;

export type Reason = (typeof REFUSALS)[number];
export interface Refusal {
  reason: Reason;
  /** One plain sentence with the next step. */
  detail: string;
}
export const ReasonSchema = v.picklist(REFUSALS);

/** The result of anything that can be refused. */
export type Result<T> = { ok: true; value: T } | { ok: false; refusal: Refusal };
export const accept = <T>(value: T): Result<T> => ({ ok: true, value });
export const refuse = (reason: Reason, detail: string): { ok: false; refusal: Refusal } => ({
  ok: false,
  refusal: { reason, detail },
});
