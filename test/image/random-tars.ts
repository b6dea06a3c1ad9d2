// Random tars for the two framers: headers of all kinds, well-formed and hostile, by seed.
import type { Random } from '../tree/random.ts';
import { END_OF_ARCHIVE, padded, paxRecord, tarHeader, withChecksum } from '../sys/tar-bytes.ts';

const TYPES = '00000\x00\x00001234567SDxxxgXLKVAZq';
const NAMES = ['a', 'dir/', 'b/c', '', 'x'.repeat(100)];

const pick = <T>(random: Random, items: ArrayLike<T>): T => items[random.below(items.length)] as T;

/** A size field: mostly the true size, in octal or base-256; else a hostile one. */
function sizeField(random: Random, size: number): Buffer {
  const field = Buffer.alloc(12);
  const octal = size.toString(8);
  switch (random.below(12)) {
    case 0:
      field[0] = 0x80;
      field.writeUInt32BE(size, 8);
      break;
    case 1:
      field.write(`  ${octal} \0`, 'latin1');
      break;
    case 2:
      field.write(octal.padStart(12, '0'), 'latin1');
      break;
    case 3:
      if (random.below(4) > 0) field.write(octal, 'latin1');
      else field.write(pick(random, ['8', '1 2x', '-1', '77777777777', '0x1']), 'latin1');
      break;
    case 4:
      field[0] = random.below(4) > 0 ? 0x80 : pick(random, [0x81, 0xff, 0xc0]);
      field.writeUInt32BE(size, 8);
      if (random.below(6) === 0) field[4] = 0x7f;
      break;
    default:
      field.write(`${octal.padStart(11, '0')}\0`, 'latin1');
  }
  return field;
}

/** The payload of an extended header; now and then malformed. */
function extendedPayload(random: Random, type: string): Buffer {
  if (type === 'L' || type === 'K')
    return Buffer.from(`${pick(random, ['long', 'long/name/', 'l'.repeat(300)])}\0`);
  const records = Array.from({ length: random.below(4) }, () => {
    const value = pick(random, ['', '0', '7', '0512', '600', '99999999999999999', '-1', 'x']);
    switch (random.below(8)) {
      case 0:
        return paxRecord('path', pick(random, ['p', 'q/']));
      case 1:
        return paxRecord('comment', 'c=d');
      case 2:
        return pick(random, ['9 size=5\n', '99 size=5\n', ' size=1\n', '4 =\n', '0008 a=b\n', 'junk']);
      default:
        return paxRecord('size', random.below(4) > 0 ? pick(random, ['', '0', '7', '600']) : value);
    }
  });
  return Buffer.from(records.join(''), 'latin1');
}

/** One member: a header block, perhaps with extension blocks or a payload, and data. */
function randomMember(random: Random): Buffer {
  const type = pick(random, TYPES);
  const isExtended = 'xXgLK'.includes(type);
  const data = isExtended
    ? extendedPayload(random, type)
    : Buffer.alloc(pick(random, [0, 1, 7, 512, 600, 1024]), 'd');
  const header = tarHeader({
    name: pick(random, NAMES),
    type,
    linkName: type === '1' || type === '2' ? 'a' : '',
    size: sizeField(random, data.length),
  });
  const extensions: Buffer[] = [];
  if (type === 'S') {
    header.fill(0, 257 + 8, 512);
    header.write('ustar  \0', 257, 'latin1');
    header.write(`${data.length.toString(8).padStart(11, '0')}\0`, 483, 'latin1');
    for (let left = random.below(3); left > 0; left--) {
      if (extensions.length === 0) header[482] = 1;
      const block = Buffer.alloc(512);
      block[504] = left > 1 ? 1 : 0;
      extensions.push(block);
    }
  }
  withChecksum(header);
  if (random.below(60) === 0) header[148] = 0x37;
  return Buffer.concat([header, ...extensions, padded(data)]);
}

/** A tar of a few members. It may end early, or go on after its end. */
export function randomTar(random: Random): Buffer {
  const members = Array.from({ length: 1 + random.below(6) }, () => randomMember(random));
  const tar = Buffer.concat([...members, ...(random.below(3) > 0 ? [END_OF_ARCHIVE] : []), Buffer.alloc(0)]);
  switch (random.below(8)) {
    case 0:
      return tar.subarray(0, random.below(tar.length + 1));
    case 1:
      return Buffer.concat([tar, Buffer.from('junk after the end')]);
    default:
      return tar;
  }
}
