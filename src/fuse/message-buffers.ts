// MessageBuffers: the buffers for one request and one reply, for all sessions of a thread.
//
// A thread handles one message at a time: what a session keeps beyond its turn, it copies. So a hundred mounts need the
// memory of one.
import { MAX_TRANSFER } from './wire/protocol.ts';

/** A write request's data and its headers; the kernel refuses to read into less. */
const MESSAGE_SIZE = MAX_TRANSFER + 64 * 1024;

export class MessageBuffers {
  readonly request = new Uint8Array(MESSAGE_SIZE);
  readonly reply = new Uint8Array(MESSAGE_SIZE);
}
