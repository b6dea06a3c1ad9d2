// Errors of --format.
import { showText } from '../../../vfs/show-text.ts';
import { UsageError } from '../../options/usage-error.ts';

export function templateError(message: string): UsageError {
  return new UsageError(`--format: ${showText(message)}`);
}

/** `field`: that the template has; `fields`: those that exist. */
export function unknownField(field: string, fields: readonly string[]): UsageError {
  const existing = fields.map((each) => `.${each}`);
  return templateError(
    `found .${field}, expected ${existing.length === 0 ? 'no field' : `one of ${existing.join(', ')}`}`,
  );
}
