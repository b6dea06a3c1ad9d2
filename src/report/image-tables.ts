// The parts of the page for several images: the choice of the image, and the layers that the images share.
import type { ReportData, ReportImage } from '../inspect/report-format.ts';
import { element, part } from './dom.ts';
import { nameOfImage } from './overview.ts';
import { layerChip } from './palette.ts';
import { fillTable } from './tables.ts';
import { counted, percent, size } from './words.ts';

/** `choose` gets the index of an image in the data. */
export function showImages({ images, totalSize }: ReportData, choose: (index: number) => void): void {
  if (images.length < 2) return;
  part('images').hidden = false;
  const rows = images.map((image, i) => {
    const radio = element('input', {
      attributes: { type: 'radio', name: 'image', value: String(i), ...(i === 0 ? { checked: '' } : {}) },
    });
    radio.addEventListener('change', () => choose(i));
    const name = element('span', { text: nameOfImage(image) });
    const label = element('label', {}, radio, name);
    if (image.names.length > 0) label.append(element('span', { class: 'muted small', text: image.source }));
    const { layers, size: stored, sharedSize, wasted } = image;
    return [
      label,
      String(layers.length),
      size(stored),
      size(sharedSize),
      size(stored - sharedSize),
      size(wasted),
    ];
  });
  const columns = ['Layers', 'Size', 'Shared', 'Unique', 'Wasted'].map((title) => ({
    title,
    isNumber: true,
  }));
  fillTable(part('images-table'), [{ title: 'Image' }, ...columns], rows, true);
  const apart = images.reduce((sum, { size: stored }) => sum + stored, 0);
  part('images-total').textContent =
    `Together ${size(totalSize)}, each layer once; ${size(apart)} if nothing were shared.`;
}

/** Marks the choice of an image, without making it. */
export function markImage(index: number): void {
  for (const radio of part('images-table').querySelectorAll('input'))
    radio.checked = radio.value === String(index);
}

/** The names of the images. Images with a name in common, such as two builds of one image, get their sources. */
export function distinctTitles(images: readonly ReportImage[]): string[] {
  const names = images.map(nameOfImage);
  return images.map(({ source }, i) => {
    const name = names[i] ?? source;
    return names.filter((each) => each === name).length > 1 ? source : name;
  });
}

export function showShared({ images, shared, totalSize }: ReportData): void {
  if (images.length < 2) return;
  part('shared').hidden = false;
  const bytes = shared.reduce((sum, layer) => sum + layer.size, 0);
  part('shared-summary').textContent =
    shared.length === 0
      ? 'No layer is in more than one of these images: a layer is shared only if all layers below it are shared too.'
      : `${counted(shared.length, 'layer is', 'layers are')} in more than one of these images: ${size(bytes)}, ${percent(bytes, totalSize)} of the total. The numbers say which layer of each image it is.`;
  part('shared-table').hidden = shared.length === 0;
  const columns = [
    { title: 'Layer' },
    { title: 'Size', isNumber: true },
    ...distinctTitles(images).map((title) => ({ title })),
  ];
  const rows = shared.map(({ instruction, size: stored, numbers }) => [
    element('code', { text: instruction ?? 'unknown instruction' }),
    size(stored),
    ...numbers.map((number, i) => (number === 0 ? '' : layerChip(number, images[i]?.layers.length ?? 0))),
  ]);
  fillTable(part('shared-table'), columns, rows, true);
}
