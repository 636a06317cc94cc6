// From untrusted text to a typed message, or a refusal. Unknown fields are dropped, unknown tags refused [W8].
import * as v from 'valibot';
import { accept, refuse, type Result } from './refusal.ts';

/**
 * Parses JSON text against a schema.
 * @param maxChars refuse longer text before parsing it
 */
export function decodeMessage<S extends v.GenericSchema>(
  schema: S,
  text: string,
  maxChars: number,
): Result<v.InferOutput<S>> {
  if (text.length > maxChars) return refuse('too-large', `A message may have ${maxChars} characters.`);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return refuse('bad-message', 'A message must be JSON.');
  }
  const parsed = v.safeParse(schema, json, { abortEarly: true });
  if (parsed.success) return accept(parsed.output);
  const issue = parsed.issues[0];
  const path = v.getDotPath(issue);
  return refuse('bad-message', `${path ? `${path}: ` : ''}${issue.message}`);
}
