// The console's token: comes in the link behind `#token=`, is kept for this tab, and leaves the address bar, which may be on air.

const KEPT_AS = 'p2plive-console-token';

/** @returns null when the link had none and this tab keeps none */
export function takeToken(): string | null {
  const inLink = tokenOf(location.hash);
  if (inLink !== null) {
    sessionStorage.setItem(KEPT_AS, inLink);
    history.replaceState(null, '', location.pathname + location.search);
  }
  return inLink ?? sessionStorage.getItem(KEPT_AS);
}

/** For a token that was refused: the next load asks for the link again. */
export function forgetToken(): void {
  sessionStorage.removeItem(KEPT_AS);
}

export function tokenOf(hash: string): string | null {
  const token = new URLSearchParams(hash.replace(/^#/, '')).get('token');
  return token === null || token === '' || token.length > 500 ? null : token;
}
