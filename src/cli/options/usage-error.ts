// The error for a wrong command line: exit status 2, and a hint to the help.
import { InputError } from '../../vfs/input-error.ts';

export class UsageError extends InputError {
  constructor(message: string) {
    super(message);
    this.name = 'UsageError';
  }
}
