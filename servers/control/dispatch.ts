// One door for every call, whatever wire brought it: the name is known, the argument has its shape, and what goes wrong comes back as
// data. The calls themselves are console-calls.ts.
import * as v from 'valibot';
import { CallArguments, type CallName, type Calls, type Outcome } from '../../protocol/control.ts';
import { StartError } from '../shared/exit-codes.ts';
import type { Log } from '../shared/log.ts';

type Answer<N extends CallName> = Outcome<ReturnType<Calls[N]>>;
/** How each call is done. */
export type CallTable = {
  [N in CallName]: (argument: Parameters<Calls[N]>[0]) => Answer<N> | Promise<Answer<N>>;
};

/** [C7] @param argument anything at all: it comes from outside */
export async function dispatch(
  table: CallTable,
  name: unknown,
  argument: unknown,
  log: Log,
): Promise<Outcome<unknown>> {
  if (typeof name !== 'string' || !Object.hasOwn(CallArguments, name))
    return { ok: false, reason: 'bad-call', detail: 'There is no such call.' };
  const call = name as CallName;
  const checked = v.safeParse(CallArguments[call] as v.GenericSchema, argument);
  if (!checked.success) {
    const [issue] = checked.issues;
    const where = issue.path?.map((part) => String(part.key)).join('.') ?? 'the argument';
    return {
      ok: false,
      reason: 'bad-call',
      detail: `${call}: ${where} is not allowed (${issue.message}).`.slice(0, 1_000),
    };
  }
  try {
    return await (table[call] as (argument: unknown) => Outcome<unknown> | Promise<Outcome<unknown>>)(checked.output);
  } catch (error) {
    if (error instanceof StartError) return { ok: false, reason: 'failed', detail: error.message };
    log.error({ err: error, call }, 'a call failed');
    return { ok: false, reason: 'failed', detail: 'That went wrong inside; the log of the control plane says how.' };
  }
}

export const done = { ok: true, value: null } as const;
export const notNow = (detail: string): { ok: false; reason: 'not-now'; detail: string } => ({
  ok: false,
  reason: 'not-now',
  detail,
});
export const badCall = (detail: string): { ok: false; reason: 'bad-call'; detail: string } => ({
  ok: false,
  reason: 'bad-call',
  detail,
});
