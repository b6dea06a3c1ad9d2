// Fails a build that changes more of an image than it may: compares two images, and exits 1 if a path differs that does not
// lie beneath one of the expected directories. Times do not count, since every build changes them.
//
//   node examples/compare-in-ci.js released.tar built.tar /usr/src/app /tmp
import { openImage } from 'stratafs';

const [before = '', after = '', ...expected] = process.argv.slice(2);
const image = await openImage(before);
try {
  const differences = await image.diff(after, { ignoresTimes: true });
  const isExpected = (/** @type {string} */ path) =>
    expected.some((directory) => path === directory || path.startsWith(`${directory}/`));
  // A directory in which something differs is listed too, without attributes that differ.
  const changes = differences.filter(({ kind, attributes }) => kind !== 'changed' || attributes.length > 0);
  const unexpected = changes.filter(({ path }) => !isExpected(path));
  for (const { kind, path, attributes } of unexpected) console.log(kind, path, attributes.join(' '));
  console.log(`${changes.length} differences, ${unexpected.length} of them unexpected`);
  if (unexpected.length > 0) process.exitCode = 1;
} finally {
  await image.close();
}
