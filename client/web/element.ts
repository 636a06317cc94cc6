// The embeddable element: <p2p-live src="https://host/watch/live"></p2p-live>. Its <video> is a plain child in the page's own document.
import { missingPart, mountViewer, type Viewer } from './viewer.ts';

class P2PLive extends HTMLElement {
  static readonly observedAttributes = ['src'];
  #viewer: Viewer | null = null;
  /** Counts mounts, so that one overtaken by a newer `src` ends itself. */
  #mounts = 0;

  connectedCallback(): void {
    this.#changed();
  }

  disconnectedCallback(): void {
    this.#unmount();
  }

  attributeChangedCallback(): void {
    if (this.isConnected) this.#changed();
  }

  /** Attribute and connection are often told in one go: one mount serves both. */
  #changed(): void {
    const mine = ++this.#mounts;
    queueMicrotask(() => {
      if (mine === this.#mounts) void this.#mount();
    });
  }

  stats(): ReturnType<Viewer['stats']> | null {
    return this.#viewer?.stats() ?? null;
  }

  async #mount(): Promise<void> {
    this.#unmount();
    const mine = this.#mounts;
    const at = sourceOf(this.getAttribute('src'));
    const missing = missingPart();
    if (!at || missing !== null) {
      this.textContent = missing ?? 'The src of <p2p-live> must be a link such as https://host/watch/live.';
      return;
    }
    this.style.display ||= 'block';
    const viewer = await mountViewer(this, { ...at, shares: this.getAttribute('share') !== 'no' });
    if (mine !== this.#mounts) return viewer.close();
    this.#viewer = viewer;
    window.p2plive = viewer;
  }

  #unmount(): void {
    this.#mounts++;
    this.#viewer?.close();
    this.#viewer = null;
  }
}

function sourceOf(src: string | null): { coordinate: string; stream: string } | null {
  try {
    const url = new URL(src ?? '', location.href);
    const [, stream] = /\/watch\/([A-Za-z0-9_-]+)$/.exec(url.pathname) ?? [];
    return src === null || stream === undefined ? null : { coordinate: url.origin, stream };
  } catch {
    return null; // no address at all
  }
}

if (!customElements.get('p2p-live')) customElements.define('p2p-live', P2PLive);
