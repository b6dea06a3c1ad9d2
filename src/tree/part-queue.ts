// PartQueue: the directories that the merge has found but not walked, first in, first out, with their parts.
//
// A directory is its count of parts, followed by a layer and an inode for each. The flat form avoids one object per
// directory when a million of them wait.

export class PartQueue {
  #words = new Uint32Array(1024);
  #head = 0;
  #tail = 0;

  /** Adds a directory with the first `count` parts. */
  push(count: number, layers: Uint16Array, inodes: Uint32Array): void {
    this.#reserve(1 + 2 * count);
    const words = this.#words;
    let tail = this.#tail;
    words[tail++] = count;
    for (let part = 0; part < count; part++) {
      words[tail++] = layers[part] as number;
      words[tail++] = inodes[part] as number;
    }
    this.#tail = tail;
  }

  /** Takes the oldest directory: copies its parts out and returns their count. */
  shift(layers: Uint16Array, inodes: Uint32Array): number {
    const words = this.#words;
    let head = this.#head;
    const count = words[head++] as number;
    for (let part = 0; part < count; part++) {
      layers[part] = words[head++] as number;
      inodes[part] = words[head++] as number;
    }
    this.#head = head;
    return count;
  }

  #reserve(length: number): void {
    const needed = this.#tail + length;
    if (needed <= this.#words.length) return;
    const used = this.#tail - this.#head;
    // More than half of the words are free at the front: moving the rest costs less than a larger buffer.
    if (used + length <= this.#words.length / 2) {
      this.#words.copyWithin(0, this.#head, this.#tail);
    } else {
      const grown = new Uint32Array(2 * (used + length));
      grown.set(this.#words.subarray(this.#head, this.#tail));
      this.#words = grown;
    }
    this.#head = 0;
    this.#tail = used;
  }
}
