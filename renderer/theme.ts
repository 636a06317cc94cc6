// Light or dark: what the system says until a person chooses, kept in this browser.
import { create } from 'zustand';

export type ThemeChoice = 'system' | 'light' | 'dark';

const KEPT_AS = 'p2plive-theme';
const systemDark = (): MediaQueryList => matchMedia('(prefers-color-scheme: dark)');

const kept = (): ThemeChoice => {
  const value = localStorage.getItem(KEPT_AS);
  return value === 'light' || value === 'dark' ? value : 'system';
};

/** `shown` is what is on screen. */
export const useTheme = create<{ choice: ThemeChoice; shown: 'light' | 'dark' }>(() => ({
  choice: 'system',
  shown: 'light',
}));

/** Called once at the start: from then on the page follows the choice and the system. */
export function applyTheme(): void {
  systemDark().addEventListener('change', show);
  show();
}

export function chooseTheme(choice: ThemeChoice): void {
  localStorage.setItem(KEPT_AS, choice);
  show();
}

function show(): void {
  const choice = kept();
  const shown = choice === 'system' ? (systemDark().matches ? 'dark' : 'light') : choice;
  document.documentElement.dataset['theme'] = shown;
  useTheme.setState({ choice, shown });
}
