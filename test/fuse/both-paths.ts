// One request, answered by native code from the table and by the session's handlers: the bytes must be the same.
//
// The pure function is asked first, since it changes nothing; then the session, which may. What native code leaves to
// JavaScript is counted, so that a test can say what may be left.
import { tableFacts } from '../../src/fuse/fast-path.ts';
import { ownersAsStored } from '../../src/fuse/owners/owner-view.ts';
import { AnswerKind, type TableFacts, answerFast } from '../../src/sys/table-answers.ts';
import type { FileSystem } from '../../src/vfs/filesystem.ts';
import { EVERY_FLAG, TestSession } from './message.ts';

export interface Tally {
  native: number;
  handedOver: number;
}

export class BothPaths {
  readonly test: TestSession;
  readonly #facts: TableFacts;
  readonly #reply = new Uint8Array(1 << 17);
  /** By opcode. */
  readonly tallies: Map<number, Tally>;

  constructor(fileSystem: FileSystem, tallies = new Map<number, Tally>(), owners = ownersAsStored) {
    const { answerTable, isReadOnly } = fileSystem;
    if (answerTable === undefined) throw new Error('no table');
    this.#facts = tableFacts(answerTable, isReadOnly, owners);
    this.test = TestSession.serving(fileSystem, EVERY_FLAG, { owners });
    this.tallies = tallies;
  }

  /** Throws where both answer, and not the same. True: native code answered. */
  ask(request: Buffer): boolean {
    // Memory of its own, of just that size: AddressSanitizer sees a byte too many (.ci/sanitize).
    const alone = new Uint8Array(new ArrayBuffer(request.length));
    alone.set(request);
    const native = answerFast(this.#facts, alone, this.#reply);
    if (native === null) throw new Error('native code does not understand the table');
    const expected = this.test.handle(request);
    const tally = this.#tallyOf(request.length < 8 ? -1 : request.readUInt32LE(4));
    if (native === undefined) {
      tally.handedOver++;
      return false;
    }
    tally.native++;
    const [kind, length, fd, position] = native;
    const unique = request.readBigUInt64LE(8);
    const answered =
      kind === AnswerKind.silent
        ? undefined
        : kind === AnswerKind.file
          ? Buffer.from(`file ${unique} ${fd} ${position} ${length}`)
          : Buffer.from(this.#reply.subarray(0, length));
    if (answered === undefined ? expected !== undefined : !expected?.equals(answered)) {
      const show = (bytes: Buffer | undefined): string => bytes?.toString('hex') ?? 'nothing';
      throw new Error(
        `request ${show(request)}\nnative answers ${show(answered)}\nthe handler answers ${show(expected)}`,
      );
    }
    return true;
  }

  #tallyOf(opcode: number): Tally {
    let tally = this.tallies.get(opcode);
    if (tally === undefined) this.tallies.set(opcode, (tally = { native: 0, handedOver: 0 }));
    return tally;
  }
}
