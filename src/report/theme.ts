// Light or dark: the system's setting, until the user chooses.
import { part } from './dom.ts';

const themes = ['auto', 'light', 'dark'] as const;
const words = { auto: 'as the system', light: 'light', dark: 'dark' };

export function offerThemes(): void {
  const button = part('theme');
  let chosen = 0;
  const show = (): void => {
    const theme = themes[chosen] ?? 'auto';
    document.documentElement.dataset['theme'] = theme;
    button.textContent = `Colours: ${words[theme]}`;
  };
  button.addEventListener('click', () => {
    chosen = (chosen + 1) % themes.length;
    show();
  });
  show();
}
