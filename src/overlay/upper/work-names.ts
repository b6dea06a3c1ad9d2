// WorkNames: names in W/work that do not exist. The next mount removes what has such a name.
export class WorkNames {
  #count = 0;

  next(): Buffer {
    return Buffer.from(`#${process.pid.toString(36)}.${(this.#count++).toString(36)}`);
  }
}
