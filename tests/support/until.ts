// Waiting for a condition, with an end and a word for what did not happen. Tests never sleep for a guessed time instead.

const LOOK_EVERY_MS = 25;

export interface UntilOptions {
  withinMs?: number;
  /** What there was instead, for the failure's message. */
  describe?: () => unknown;
}

/**
 * Resolves with the first truthy value of `look`.
 * @param what completes "waited ... for"
 */
export async function until<T>(
  what: string,
  look: () => T | Promise<T>,
  { withinMs = 10_000, describe }: UntilOptions = {},
): Promise<NonNullable<T>> {
  const endMs = performance.now() + withinMs;
  for (;;) {
    const seen = await look();
    if (seen) return seen;
    if (performance.now() > endMs) {
      const instead = describe === undefined ? seen : await describe();
      throw new Error(`waited ${withinMs} ms for ${what}; there was ${inWords(instead)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}

const inWords = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value)) ?? 'nothing';
