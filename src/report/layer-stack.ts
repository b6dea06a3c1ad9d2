// The stack of layers, topmost first. Each layer is a button that filters the treemap to its bytes. History steps
// without a layer are shown between them on request.
import type { ReportImage, ReportLayer, ReportStep } from '../inspect/report-format.ts';
import { element, part } from './dom.ts';
import { showTime } from './overview.ts';
import { originOf } from './layer-origin.ts';
import { layerChip, tint } from './palette.ts';
import type { ViewActions, ViewState } from './view-state.ts';
import { counted, number, percent, size } from './words.ts';

export class LayerStack {
  readonly #list = part('stack');
  readonly #toggle = part('steps-toggle');
  readonly #actions: ViewActions;
  #image: ReportImage | undefined;
  #showsSteps = false;

  constructor(actions: ViewActions) {
    this.#actions = actions;
    this.#toggle.addEventListener('click', () => {
      this.#showsSteps = !this.#showsSteps;
      this.#markToggle();
    });
  }

  show({ image, filter }: ViewState): void {
    if (image !== this.#image) {
      this.#image = image;
      this.#fill(image);
    }
    for (const button of this.#list.querySelectorAll('button.layer')) {
      const isChosen = Number(button.getAttribute('data-layer')) === filter.layer;
      button.setAttribute('aria-pressed', String(isChosen));
      const facts = button.nextElementSibling;
      if (facts instanceof HTMLElement) facts.hidden = !isChosen;
    }
    this.#list.classList.toggle('chosen', filter.layer !== 0);
  }

  #fill(image: ReportImage): void {
    const largest = Math.max(1, ...image.layers.map(({ size: bytes }) => bytes));
    const rows = image.steps.map((step) => {
      const layer = image.layers[(step.layer ?? 0) - 1];
      return layer === undefined ? emptyRow(step) : this.#row(layer, step, image, largest);
    });
    this.#list.replaceChildren(...rows.reverse());
    this.#markToggle();
  }

  #markToggle(): void {
    const count = this.#list.querySelectorAll('.step').length;
    this.#toggle.hidden = count === 0;
    this.#toggle.textContent = `${counted(count, 'step')} without a layer`;
    this.#toggle.setAttribute('aria-pressed', String(this.#showsSteps));
    this.#list.classList.toggle('with-steps', this.#showsSteps);
  }

  #row(layer: ReportLayer, step: ReportStep, image: ReportImage, largest: number): HTMLElement {
    const { number: which, size: bytes, wasted } = layer;
    const button = element(
      'button',
      {
        class: 'layer',
        attributes: { type: 'button', 'data-layer': String(which), 'aria-pressed': 'false' },
      },
      layerChip(which, image.layers.length),
      originOf(layer, step),
      element(
        'span',
        { class: 'sizes' },
        element('b', { text: size(bytes) }),
        element('span', { class: 'muted', text: wasted === 0 ? '' : `${percent(wasted, bytes)} wasted` }),
      ),
      meterOf(layer, largest, image.layers.length),
    );
    button.addEventListener('click', () =>
      this.#actions.chooseLayer(button.getAttribute('aria-pressed') === 'true' ? 0 : which),
    );
    return element('li', {}, button, factsOf(layer, step));
  }
}

/** The layer's size relative to the largest layer, with the wasted part hatched. */
function meterOf(
  { number: which, size: bytes, wasted }: ReportLayer,
  largest: number,
  count: number,
): HTMLElement {
  const meter = element('span', { class: 'meter', attributes: { 'aria-hidden': 'true' } });
  for (const [name, value] of [
    ['shown', bytes - wasted],
    ['wasted', wasted],
  ] as const) {
    if (value <= 0) continue;
    const piece = element('span', { class: name });
    piece.style.width = `${(100 * value) / largest}%`;
    tint(piece, which, count);
    meter.append(piece);
  }
  return meter;
}

function emptyRow({ instruction, createdBy }: ReportStep): HTMLElement {
  return element(
    'li',
    { class: 'step' },
    element('code', { text: instruction ?? createdBy ?? 'unknown instruction' }),
  );
}

function storageOf({ isUpper, storedSize, compression }: ReportLayer): string {
  if (isUpper === true) return 'in the upper directory';
  return `${size(storedSize)}, ${compression === 'none' ? 'plain' : compression}`;
}

function factsOf(layer: ReportLayer, step: ReportStep): HTMLElement {
  const { added, changed, deleted } = layer;
  const facts: (readonly [string, string | undefined])[] = [
    ['Wasted', layer.wasted === 0 ? 'nothing' : `${size(layer.wasted)}, hidden by higher layers`],
    ['Hides', layer.hides === 0 ? 'nothing' : `${size(layer.hides)} of lower layers`],
    ['Names', `${number(added)} added, ${number(changed)} changed, ${number(deleted)} deleted`],
    ['Stored', storageOf(layer)],
    ['Created', step.created === undefined ? undefined : showTime(step.created)],
    ['Created by', step.createdBy === step.instruction ? undefined : step.createdBy],
    ['Comment', step.comment],
    ['DiffID', layer.diffId],
  ];
  const list = element('dl', { class: 'facts' });
  list.hidden = true;
  for (const [name, value] of facts) {
    if (value !== undefined) list.append(element('dt', { text: name }), element('dd', { text: value }));
  }
  return list;
}
