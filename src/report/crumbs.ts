// The line of directories from the root to the one that is shown.
import { element } from './dom.ts';

/** A directory of the line. */
export interface Crumb {
  readonly name: string;
  /** True for the directory that is shown. */
  readonly isHere: boolean;
  open(): void;
}

export function showCrumbs(box: HTMLElement, line: readonly Crumb[]): void {
  const crumbs = line.map((crumb) => {
    const button = element('button', {
      class: 'link',
      text: crumb.name,
      attributes: { type: 'button', 'aria-current': crumb.isHere ? 'location' : undefined },
    });
    button.addEventListener('click', () => crumb.open());
    return element('li', {}, button);
  });
  box.replaceChildren(element('ol', {}, ...crumbs));
}
