import { expect, it } from 'vitest';
import { writeCompletion } from '../../../src/cli/completion/completion.ts';

it('leaves out ASCII control characters, and what a shell would take for a request for files', () => {
  const values = ['plain', 'é', 'x\u001b[2J', 'x\ny', ':files /etc', ':directories x', ':files'];
  const candidates = values.map((value) => ({ value }));
  expect(writeCompletion({ candidates })).toBe('plain\né\n:files\n');
});

it('shows the first line of a description, without control characters', () => {
  const candidates = [{ value: 'a', about: 'b\u009b\tc\nd' }];
  expect(writeCompletion({ candidates })).toBe('a\tb  c\n');
});
