/** Light or dark: as the rest of the site, which keeps it under the same key. */

const KEY = 'vitepress-theme-appearance';

function isDark(): boolean {
  const kept = localStorage.getItem(KEY);
  if (kept === 'dark' || kept === 'light') return kept === 'dark';
  return matchMedia('(prefers-color-scheme: dark)').matches;
}

export function useTheme(button: HTMLElement): void {
  const show = (dark: boolean): void => {
    document.documentElement.classList.toggle('dark', dark);
    button.setAttribute('aria-pressed', String(dark));
  };
  show(isDark());
  button.addEventListener('click', () => {
    const dark = !document.documentElement.classList.contains('dark');
    localStorage.setItem(KEY, dark ? 'dark' : 'light');
    show(dark);
  });
}
