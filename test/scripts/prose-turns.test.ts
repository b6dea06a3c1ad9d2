import { describe, expect, it, test } from 'vitest';
import { describeTurn, findTurns } from '../../scripts/prose-turns.js';

const wordsOf = (text: string) => findTurns(text).map(({ words }) => words);

test.each([
  ['The kernel tells the size', 'tells'],
  ['The user is told the reason', 'told'],
  ['The bytes behind the header', 'behind'],
  ['the process for whom it waits', 'whom'],
  ['a file that is no Docker archive', 'is no Docker'],
  ['what is no directory', 'is no directory'],
  ['a mount of ours', 'of ours'],
  ['the state as the kernel has it', 'as the kernel has it'],
  ['read-only unless told otherwise', 'unless told'],
  ['There is a list that holds the names of all', 'There is a list that holds the names of'],
  ['The more it reads, the more it keeps', 'The more it reads, the more'],
  ['The name is there no more', 'is there no more'],
  ['What is missing is listed.', 'What is'],
  ['It opens. Where it fails, it stops.', 'Where'],
  ['Who mounts may read.', 'Who'],
  ['The owner:\n- Whoever mounts', 'Whoever'],
  ['| option | Where it applies |', 'Where'],
  ['## Where to read on', 'Where'],
])('"%s" has a banned turn', (text, words) => {
  expect(wordsOf(text)).toEqual([words]);
});

test.each([
  'Where is the file? What is it? Who owns it?',
  'It stays where it lies.',
  'There is no image of that name.',
  'It is no longer open, and no error is raised.',
  'It is no more than a hint.',
  'A crash leaves a directory behind.',
  'The file that Whiteouts hide. Whereas a mark does not.',
  'There are files. That size is the sum of all.',
  'A hotel, retold and foretelling',
])('"%s" has none', (text) => {
  expect(wordsOf(text)).toEqual([]);
});

it('finds a turn across a line break', () => {
  expect(findTurns('a file that is\nno directory')).toMatchObject([{ index: 12, words: 'is no directory' }]);
});

it('lets no turn cross an empty line', () => {
  expect(wordsOf('that is\n\nno directory')).toEqual([]);
});

it('lists findings in the order of the text', () => {
  expect(wordsOf('behind that, he told us')).toEqual(['behind', 'told']);
});

describe('a message', () => {
  it('has the words and what to write instead', () => {
    const [found] = findTurns('for whom');
    expect(found && describeTurn(found)).toBe(
      '"whom" is not plain English here. Write instead: name the person or the thing; split the sentence.',
    );
  });
});
