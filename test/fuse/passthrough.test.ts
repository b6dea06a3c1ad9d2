import { describe, expect, it } from 'vitest';
import { OpenFileTable } from '../../src/fuse/passthrough.ts';
import { FOREVER } from '../../src/fuse/wire/protocol.ts';
import { ELOOP, EMFILE, EPERM } from '../../src/vfs/errno.ts';
import type { NodeId } from '../../src/vfs/filesystem.ts';
import { OpenFile } from '../../src/vfs/operation.ts';

const NODE = 4 as NodeId;
const OTHER = 5 as NodeId;
const [O_RDONLY, O_WRONLY, O_RDWR] = [0, 1, 2];

const file = (backingFd: number): OpenFile => Object.assign(new OpenFile(), { backingFd });

function makeBooks(answers: (fd: number) => number = (fd) => fd + 1000): {
  books: OpenFileTable;
  open: Set<number>;
} {
  const open = new Set<number>();
  const books = new OpenFileTable({
    openBacking: (fd) => {
      const id = answers(fd);
      if (id > 0) open.add(id);
      return id;
    },
    closeBacking: (id) => (open.delete(id) ? 0 : -1),
  });
  books.mayPassThrough = true;
  return { books, open };
}

describe('OpenFileTable', () => {
  it('passes through what has a backing descriptor, where INIT has granted it', () => {
    const { books } = makeBooks();
    expect(books.open(NODE, O_RDONLY, file(7))).toBe(1007);
    expect(books.open(OTHER, O_RDONLY, file(-1))).toBe(0);
    expect(books.passthroughOpens).toBe(1);
    const refused = makeBooks();
    refused.books.mayPassThrough = false;
    expect(refused.books.open(NODE, O_RDONLY, file(7))).toBe(0);
  });

  it('keeps all opens cached while a cached one lives', () => {
    const { books } = makeBooks();
    expect(books.open(NODE, O_RDONLY, file(-1))).toBe(0);
    expect(books.open(NODE, O_WRONLY, file(7))).toBe(0);
    books.release(NODE, O_RDONLY);
    expect(books.open(NODE, O_WRONLY, file(7))).toBe(0);
    books.release(NODE, O_WRONLY);
    books.release(NODE, O_WRONLY);
    expect(books.open(NODE, O_WRONLY, file(7))).toBe(1007);
  });

  it('gives all opens one backing id while one that is passed through lives', () => {
    const { books, open } = makeBooks();
    expect(books.open(NODE, O_RDONLY, file(7))).toBe(1007);
    expect(books.open(NODE, O_RDONLY, file(8))).toBe(1007);
    expect(books.open(NODE, O_RDONLY, file(-1))).toBe(1007);
    books.mayPassThrough = false;
    expect(books.open(NODE, O_RDONLY, file(7))).toBe(1007);
    for (let i = 0; i < 3; i++) books.release(NODE, O_RDONLY);
    expect([...open]).toEqual([1007]);
    books.release(NODE, O_RDONLY);
    expect([...open]).toEqual([]);
  });

  it.each([EPERM, ELOOP])('gives up for good when a descriptor is refused with %d', (errno) => {
    let requests = 0;
    const { books } = makeBooks(() => {
      requests++;
      return -errno;
    });
    expect(books.open(NODE, O_RDONLY, file(7))).toBe(0);
    expect(books.open(OTHER, O_RDONLY, file(8))).toBe(0);
    expect(requests).toBe(1);
    expect(books.passthroughOpens).toBe(0);
  });

  it('tries again after a failure that may be over', () => {
    const answers = [-EMFILE, 1];
    const { books } = makeBooks(() => answers.shift() ?? -EPERM);
    expect(books.open(NODE, O_RDONLY, file(7))).toBe(0);
    expect(books.open(OTHER, O_RDONLY, file(8))).toBe(1);
  });

  it('keeps opens cached where the node was open before, though not by an open that it knows', () => {
    const { books } = makeBooks();
    const wasOpen = Object.assign(file(7), { wasOpen: true });
    expect(books.open(NODE, O_RDONLY, wasOpen)).toBe(0);
    // This may undo either of the two; it makes no difference.
    books.release(NODE, O_RDONLY);
    expect(books.open(NODE, O_WRONLY, wasOpen)).toBe(0);
    books.release(NODE, O_WRONLY);
    books.release(NODE, O_RDONLY);
    expect(books.open(NODE, O_WRONLY, file(7))).toBe(1007);
    expect(books.open(NODE, O_WRONLY, wasOpen)).toBe(1007);
  });

  it('lets no attributes be kept while an open for reading and writing is passed through', () => {
    const { books } = makeBooks();
    books.open(NODE, O_RDWR, file(7));
    books.open(NODE, O_WRONLY, file(7));
    books.open(OTHER, O_RDWR, file(-1));
    expect([books.attrValidity(NODE), books.attrValidity(OTHER)]).toEqual([0, FOREVER]);
    books.release(NODE, O_RDWR);
    expect(books.attrValidity(NODE)).toBe(FOREVER);
    books.open(NODE, O_RDWR, file(7));
    // A kernel that forgets how it had opened must not make the books forget, either.
    books.release(NODE, O_WRONLY);
    books.release(NODE, O_RDONLY);
    expect(books.attrValidity(NODE)).toBe(FOREVER);
    books.open(OTHER, O_RDONLY, file(-1));
    expect(books.attrValidity(OTHER)).toBe(FOREVER);
  });
});
