import { expect, it } from 'vitest';
import { checkProse, proseOf } from '../../scripts/check-prose.js';

const placesOf = (path: string, text: string) =>
  checkProse(path, text).map((line) => line.slice(0, line.indexOf('" ') + 1));

it('reads comments and strings of C++, and no code', () => {
  const source = 'int told = 1; // he told\n/* a\n   told */ f("told", \'"\', told);\n';
  expect(placesOf('a.cc', source)).toEqual(['a.cc:1: "told"', 'a.cc:3: "told"', 'a.cc:3: "told"']);
});

it('finds a turn over two comment lines of C++', () => {
  expect(placesOf('a.h', '  // what is\n  // no file\n')).toEqual(['a.h:1: "is no file"']);
});

it('keeps offsets: the prose of a file is as long as the file', () => {
  const source = 'int a; /* b */ char c = \'"\'; // d\n"e";\n';
  expect(proseOf('a.cc', source)).toHaveLength(source.length);
});

it('reads shell, Python and Markdown whole', () => {
  expect(placesOf('a.sh', '# Where it is.\necho told\n')).toEqual(['a.sh:1: "Where"', 'a.sh:2: "told"']);
  expect(placesOf('a.md', 'Text\n\n    he told\n')).toEqual(['a.md:3: "told"']);
});

it('leaves the released versions of the changelog as they are', () => {
  const text = '## [Unreleased]\n- told\n\n## [0.1.0]\n- told\n';
  expect(placesOf('CHANGELOG.md', text)).toEqual(['CHANGELOG.md:2: "told"']);
});

it('excepts the line of a mark "prose: quoted" and the line after it', () => {
  expect(placesOf('a.md', '<!-- prose: quoted -->\ntold\ntold\n')).toEqual(['a.md:3: "told"']);
});
