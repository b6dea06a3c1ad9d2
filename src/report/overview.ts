// The head of an image: its name, its figures, and a strip that shows all its bytes by layer.
import type { ReportImage } from '../inspect/report-format.ts';
import { element, part } from './dom.ts';
import { tint } from './palette.ts';
import { percent, size } from './words.ts';

export function nameOfImage({ names, source }: ReportImage): string {
  return names[0] ?? source;
}

/** "2020-01-02 03:04 UTC" from RFC 3339; the text unchanged if it is not a time. */
export function showTime(time: string): string {
  const parsed = new Date(time);
  return Number.isNaN(parsed.getTime()) ? time : `${parsed.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

export function showOverview(image: ReportImage): void {
  part('image-name').textContent = nameOfImage(image);
  const { source, names, id, platform, created } = image;
  part('image-facts').replaceChildren(
    ...[
      names[0] === undefined ? undefined : source,
      ...names.slice(1),
      id?.slice(0, 'sha256:'.length + 12),
      platform,
      created === undefined ? undefined : `created ${showTime(created)}`,
    ]
      .filter((fact) => fact !== undefined)
      .map((fact) => element('span', { text: fact })),
  );
  const gap = part('image-gap');
  gap.hidden = image.gap === undefined;
  gap.textContent = image.gap ?? '';
  part('figures').replaceChildren(...figuresOf(image));
  part('strip').replaceChildren(...stripOf(image));
}

function figuresOf({ size: stored, wasted, efficiency, layers }: ReportImage): HTMLElement[] {
  const figure = (name: string, value: string, note: string): HTMLElement =>
    element(
      'div',
      { class: 'figure' },
      element('dt', { text: name }),
      element('dd', { text: value }, element('small', { text: note })),
    );
  const empty = layers.filter(({ size: bytes }) => bytes === 0).length;
  return [
    figure('Stored', size(stored), 'files of all layers'),
    figure('Shown', size(stored - wasted), percent(stored - wasted, stored)),
    figure('Wasted', size(wasted), percent(wasted, stored)),
    figure('Efficiency', `${(100 * efficiency).toFixed(2)} %`, 'of the bytes are shown'),
    figure('Layers', String(layers.length), empty === 0 ? 'all with files' : `${empty} without bytes`),
  ];
}

/** Base first; in each layer the shown bytes first, then the wasted ones. */
function stripOf({ layers }: ReportImage): HTMLElement[] {
  return layers
    .filter(({ size: bytes }) => bytes > 0)
    .flatMap(({ number, size: bytes, wasted }) => {
      const pieces = [
        { class: 'piece', bytes: bytes - wasted },
        { class: 'piece wasted', bytes: wasted },
      ];
      return pieces
        .filter((piece) => piece.bytes > 0)
        .map((piece) => {
          const pieceElement = element('span', {
            class: piece.class,
            attributes: {
              title: `layer ${number}: ${size(piece.bytes)}${piece.class === 'piece' ? '' : ' wasted'}`,
            },
          });
          pieceElement.style.flexGrow = String(piece.bytes);
          tint(pieceElement, number, layers.length);
          return pieceElement;
        });
    });
}
