// What the viewer sees: picture, honest state, sound, sharing card, numbers. Draws from a snapshot; does nothing of its own accord
// but report what was clicked.

export interface Shown {
  /** One short line over the picture; null = nothing to say. */
  notice: string | null;
  /** The last picture is covered: by the broadcaster's own, or by a plain card. */
  slate: { url: string | null } | null;
  isLive: boolean;
  delayMs: number | null;
  shares: boolean;
  sentBytes: number;
  children: number;
  details: readonly (readonly [string, string])[];
}

export interface Actions {
  share(shares: boolean): void;
}

const MARKUP = `
<div class="p2p-stage">
  <video playsinline muted autoplay aria-label="Live video"></video>
  <div class="p2p-slate" hidden><img alt="" hidden /></div>
  <p class="p2p-notice" role="status" aria-live="polite"></p>
  <button type="button" class="p2p-sound">Tap for sound</button>
  <div class="p2p-bar">
    <span class="p2p-lamp" data-live="no"><i aria-hidden="true"></i><span class="p2p-lamp-text">Waiting</span></span>
    <span class="p2p-delay"></span>
    <span class="p2p-space"></span>
    <button type="button" data-do="mute" title="Mute or unmute (M)">Sound is off</button>
    <input type="range" min="0" max="1" step="0.05" value="1" aria-label="Volume" />
    <button type="button" data-do="stats" aria-expanded="false" title="Statistics (S)">Statistics</button>
    <button type="button" data-do="pip" title="Picture in picture (P)">Pop out</button>
    <button type="button" data-do="full" title="Full screen (F)">Full screen</button>
  </div>
</div>
<section class="p2p-share" aria-label="Sharing">
  <p class="p2p-share-text"></p>
  <label><input type="checkbox" class="p2p-receive" /> Receive only: no other viewer connects to me or learns my address</label>
</section>
<dl class="p2p-stats" hidden></dl>`;

export class View {
  readonly video: HTMLVideoElement;
  readonly #root: HTMLElement;
  readonly #listeners = new AbortController();

  constructor(root: HTMLElement, actions: Actions) {
    // A box of its own: whoever else writes into the root is left alone when this view closes.
    this.#root = document.createElement('div');
    this.#root.className = 'p2p';
    this.#root.innerHTML = MARKUP;
    root.replaceChildren(this.#root);
    this.video = this.#one('video');
    // The attribute alone does not mute a video that a script has made.
    this.video.muted = true;
    this.#wire(actions);
  }

  show(state: Shown): void {
    this.#text('.p2p-notice', state.notice ?? '');
    this.#one<HTMLElement>('.p2p-notice').hidden = state.notice === null;
    const slate = this.#one<HTMLElement>('.p2p-slate');
    slate.hidden = state.slate === null;
    const own = this.#one<HTMLImageElement>('.p2p-slate img');
    own.hidden = !state.slate?.url;
    if (state.slate?.url && own.getAttribute('src') !== state.slate.url) own.src = state.slate.url;
    const lamp = this.#one<HTMLElement>('.p2p-lamp');
    lamp.dataset['live'] = state.isLive ? 'yes' : 'no';
    this.#text('.p2p-lamp-text', state.isLive ? 'Live' : 'Not live');
    this.#text(
      '.p2p-delay',
      state.isLive && state.delayMs !== null ? `${(Math.max(0, state.delayMs) / 1_000).toFixed(1)} s behind` : '',
    );
    this.#one<HTMLElement>('.p2p-sound').hidden = !this.video.muted || this.#soundTaken;
    this.#text('[data-do=mute]', this.video.muted ? 'Sound is off' : 'Sound is on');
    this.#one<HTMLInputElement>('.p2p-receive').checked = !state.shares;
    const helped = `${(state.sentBytes / 1e6).toFixed(state.sentBytes < 1e7 ? 1 : 0)} MB sent`;
    this.#text(
      '.p2p-share-text',
      state.shares
        ? `This page passes the video on to other viewers while you watch. Now helping ${state.children} ${state.children === 1 ? 'viewer' : 'viewers'}, ${helped}.`
        : `This page only receives. ${state.sentBytes > 0 ? `Before, ${helped}.` : ''}`,
    );
    const stats = this.#one<HTMLElement>('.p2p-stats');
    if (!stats.hidden) {
      stats.replaceChildren(
        ...state.details.flatMap(([name, value]) => {
          const term = document.createElement('dt');
          const text = document.createElement('dd');
          term.textContent = name;
          text.textContent = value;
          return [term, text];
        }),
      );
    }
  }

  close(): void {
    this.#listeners.abort();
    this.#root.remove();
  }

  #soundTaken = false;

  #one<E extends Element>(selector: string): E {
    const found = this.#root.querySelector<E>(selector);
    if (!found) throw new Error(`the markup has no ${selector}`);
    return found;
  }

  #text(selector: string, text: string): void {
    const element = this.#one(selector);
    if (element.textContent !== text) element.textContent = text;
  }

  #wire(actions: Actions): void {
    const { signal } = this.#listeners;
    const video = this.video;
    const sound = (on: boolean): void => {
      video.muted = !on;
      this.#soundTaken = true;
      this.#one<HTMLElement>('.p2p-sound').hidden = true;
    };
    const deeds: Record<string, () => void> = {
      mute: () => sound(video.muted),
      stats: () => {
        const stats = this.#one<HTMLElement>('.p2p-stats');
        stats.hidden = !stats.hidden;
        this.#one('[data-do=stats]').setAttribute('aria-expanded', String(!stats.hidden));
      },
      full: () =>
        void (document.fullscreenElement
          ? document.exitFullscreen()
          : this.#one<HTMLElement>('.p2p-stage')
              .requestFullscreen?.()
              .catch(() => undefined)),
      pip: () =>
        void (document.pictureInPictureElement
          ? document.exitPictureInPicture()
          : video.requestPictureInPicture?.().catch(() => undefined)),
    };
    this.#root.addEventListener(
      'click',
      (event) => {
        const button = (event.target as Element).closest('button');
        if (button?.classList.contains('p2p-sound')) sound(true);
        else deeds[button?.dataset['do'] ?? '']?.();
      },
      { signal },
    );
    this.#one<HTMLInputElement>('input[type=range]').addEventListener(
      'input',
      (event) => {
        video.volume = Number((event.target as HTMLInputElement).value);
        sound(video.volume > 0);
      },
      { signal },
    );
    this.#one<HTMLInputElement>('.p2p-receive').addEventListener(
      'change',
      (event) => actions.share(!(event.target as HTMLInputElement).checked),
      { signal },
    );
    const keys: Record<string, string> = { m: 'mute', s: 'stats', f: 'full', p: 'pip' };
    document.addEventListener(
      'keydown',
      (event) => {
        const target = event.target as Element;
        if (
          event.ctrlKey ||
          event.metaKey ||
          event.altKey ||
          target.closest('input, textarea, select, [contenteditable]')
        )
          return;
        deeds[keys[event.key.toLowerCase()] ?? '']?.();
      },
      { signal },
    );
    // Someone who pauses has stopped watching live; play goes on at the live edge by itself.
    video.addEventListener('click', () => void (video.paused ? video.play().catch(() => undefined) : video.pause()), {
      signal,
    });
  }
}
