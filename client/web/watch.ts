// The entry of the viewer page: mounts a viewer where the page says so and shows its numbers to scripts.
import { missingPart, mountViewer, type Viewer, type ViewerOptions } from './viewer.ts';

declare global {
  interface Window {
    p2plive?: Viewer;
  }
}

/** Mounts a viewer and makes it `window.p2plive`. */
export async function mount(root: HTMLElement, options: ViewerOptions): Promise<void> {
  const missing = missingPart();
  if (missing !== null) {
    root.textContent = missing;
    return;
  }
  window.p2plive = await mountViewer(root, options);
}

const root = document.querySelector<HTMLElement>('[data-p2plive]');
if (root) {
  const [, , name] = location.pathname.split('/');
  const query = new URLSearchParams(location.search);
  await mount(root, {
    coordinate: location.origin,
    stream: name !== undefined && name !== '' ? decodeURIComponent(name) : 'live',
    shares: query.get('share') !== 'no',
  });
}
