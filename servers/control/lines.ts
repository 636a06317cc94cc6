// Bytes of a child's stream into lines, each of limited length.

const MAX_LINE_CHARS = 64 * 1024;

/** Calls back for each whole line; an endless line is cut. */
export function eachLine(stream: NodeJS.ReadableStream, take: (line: string) => void): void {
  let rest = '';
  stream.setEncoding('utf8');
  stream.on('data', (text: string) => {
    const parts = (rest + text).split('\n');
    rest = parts.pop() ?? '';
    for (const part of parts) if (part.trim() !== '') take(part.replace(/\r$/, ''));
    if (rest.length > MAX_LINE_CHARS) {
      take(rest.slice(0, MAX_LINE_CHARS));
      rest = '';
    }
  });
  stream.on('end', () => {
    if (rest.trim() !== '') take(rest);
    rest = '';
  });
  stream.on('error', () => {
    rest = ''; // the child's end is reported by its exit
  });
}

/** The last few lines, for whoever has to say what went wrong. */
export class Tail {
  readonly #lines: string[] = [];
  readonly #most: number;

  constructor(most: number) {
    this.#most = most;
  }

  add(line: string): void {
    this.#lines.push(line.slice(0, 2_000));
    if (this.#lines.length > this.#most) this.#lines.shift();
  }

  list(): string[] {
    return [...this.#lines];
  }
}
