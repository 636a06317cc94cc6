// Copies a text and says so where it stood, without moving anything.
import { Check, Copy } from 'lucide-react';
import { useEffect, useState } from 'react';

/** @param what completes the label for who does not see what stands beside it
 * @param text a function where it is long: worked out when it is wanted */
export function CopyButton({
  text,
  what,
  label = 'Copy',
}: {
  text: string | (() => string);
  what: string;
  label?: string;
}) {
  const [said, setSaid] = useState<'copied' | 'failed' | null>(null);
  useEffect(() => {
    if (said === null) return;
    const timer = setTimeout(() => setSaid(null), 2_000);
    return () => clearTimeout(timer);
  }, [said]);
  return (
    <button
      type="button"
      onClick={() =>
        void copy(typeof text === 'string' ? text : text()).then((isDone) => setSaid(isDone ? 'copied' : 'failed'))
      }
    >
      {said === 'copied' ? <Check size={14} aria-hidden /> : <Copy size={14} aria-hidden />}
      <span style={{ minWidth: '4.2em', textAlign: 'center' }} aria-live="polite">
        {said === 'copied' ? 'Copied' : said === 'failed' ? 'Not copied' : label}
      </span>
      <span className="sr-only">{` ${what}`}</span>
    </button>
  );
}

/** The clipboard needs a secure page; an old way is left for consoles reached by plain http. */
async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = document.createElement('textarea');
    area.value = text;
    document.body.append(area);
    area.select();
    const isDone = document.execCommand('copy');
    area.remove();
    return isDone;
  }
}
