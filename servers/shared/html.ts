// The readable side of the `/debug` pages: one plain page with tables, no script. Everything that comes from outside is escaped here.

export const escapeHtml = (text: string): string =>
  text.replace(/[&<>"']/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' })[c] ?? c);

/** A table with a caption; cells are text. An empty one says so. */
export function table(
  caption: string,
  head: readonly string[],
  rows: readonly (readonly (string | number)[])[],
): string {
  const cells = (row: readonly (string | number)[], tag: string): string =>
    `<tr>${row.map((c) => `<${tag}>${escapeHtml(String(c))}</${tag}>`).join('')}</tr>`;
  const body =
    rows.length === 0
      ? `<tr><td colspan="${head.length}">none</td></tr>`
      : rows.map((row) => cells(row, 'td')).join('');
  return `<h2>${escapeHtml(caption)}</h2><table><thead>${cells(head, 'th')}</thead><tbody>${body}</tbody></table>`;
}

const STYLE = `body{font:14px/1.5 system-ui,sans-serif;margin:2rem;max-width:80rem;color-scheme:light dark}
table{border-collapse:collapse;font-variant-numeric:tabular-nums}td,th{border:1px solid #8884;padding:.2rem .6rem;text-align:left;vertical-align:top}
h2{font-size:1rem;margin:1.5rem 0 .4rem}`;

/** A whole page that reloads itself every few seconds. @param parts trusted HTML */
export function page(title: string, parts: readonly string[]): string {
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta http-equiv="refresh" content="3"><title>${escapeHtml(title)}</title><style>${STYLE}</style></head><body><h1>${escapeHtml(title)}</h1>${parts.join('')}<p>The same as JSON with <code>Accept: application/json</code>.</p></body></html>`;
}
