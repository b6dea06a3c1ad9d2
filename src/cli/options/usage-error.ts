// The error for a command line that can't be understood: exit status 2, and a hint at the help.
import { InputError } from '../../vfs/input-error.ts';

export class UsageError extends InputError {
  constructor(message: string) {
    super(message);
    this.name = 'UsageError';
  }
}
