// What made a layer: an instruction, or writes to a mount.
import type { ReportLayer, ReportStep } from '../inspect/report-format.ts';
import { element } from './dom.ts';

/** `step`: of the history; undefined if it has none for the layer. */
export function originOf(layer: ReportLayer | undefined, step: ReportStep | undefined): HTMLElement {
  if (layer?.isUpper === true) return element('span', { class: 'small', text: 'written to the mount' });
  return element('code', { text: step?.instruction ?? 'unknown instruction' });
}
