import { describe, expect, it } from 'vitest';
import { bytesOfText, namesOfPath, textOfBytes } from '../../../src/fuse/fuse-native/path-text.ts';
import { EILSEQ } from '../../../src/vfs/errno.ts';

describe('names between bytes and text', () => {
  it.each([['plain'], ['h\u00e4ngt'], ['\u{1f600}'], ['\ufeffbom'], ['new\nline'], ['\uffff']])(
    'that are UTF-8 come back as they were: %j',
    (text) => {
      const bytes = Buffer.from(text, 'utf8');
      expect(textOfBytes(bytes)).toBe(text);
      expect(bytesOfText(text)).toEqual(bytes);
    },
  );

  it.each([
    ['a stray byte', Buffer.from([0x62, 0xff])],
    ['a character that ends too early', Buffer.from([0xc3])],
    ['an overlong form', Buffer.from([0xc0, 0xaf])],
    ['a surrogate', Buffer.from([0xed, 0xa0, 0x80])],
    ['what stands for all of these', Buffer.from('\ufffd')],
  ])('are refused where others would look the same: %s', (_title, bytes) => {
    expect(textOfBytes(bytes)).toBe(-EILSEQ);
    expect(bytesOfText(bytes.toString('utf8'))).toBe(-EILSEQ);
  });

  it('are those on the way from the root', () => {
    expect(namesOfPath('/')).toEqual([]);
    expect(namesOfPath('/a/\u00e4 b')).toEqual([Buffer.from('a'), Buffer.from('\u00e4 b')]);
    expect(namesOfPath('/a/\ufffd/b')).toBe(-EILSEQ);
  });
});
