// The device of one FUSE connection, polled on Node's event loop (native/addon/channel.cc).
import { addon } from './addon.ts';
import type { TableFacts } from './table-answers.ts';

export interface Channel {
  /** Starts to poll: 0 or a negative errno. Keeps the event loop alive until `close`. */
  start(): number;
  /**
   * From now on the table answers what it can, without a call of `onRequest` (native/fast-path/fast_answer.cc). 0, or
   * -EINVAL if the table is not valid; then nothing changes.
   */
  answerFrom(facts: TableFacts): number;
  /**
   * The number of requests that the table answered, by opcode, then the bytes of its READ answers; undefined before
   * `answerFrom`.
   */
  tableAnswers(): Float64Array | undefined;
  /** Takes no more requests; what is under way is still answered. Only `close` can follow. */
  pause(): void;
  /** Stops polling. The device is closed after the transfers under way. May be called twice. */
  close(): void;
  /**
   * Sends a whole reply or notice, header included: the first `length` bytes of `reply`. 0 or a negative errno: -ENOENT
   * if the kernel no longer waits for the request.
   */
  send(reply: Uint8Array, length: number): number;
  /** Answers request `unique` with bytes: 0 or a negative errno. `bytes` are copied. */
  sendData(unique: number, bytes: Uint8Array): number;
  /**
   * Answers request `unique` with `length` bytes of descriptor `fd` at `position`. Returns immediately; the descriptor
   * must stay open until the request is answered. If the file ends early, the answer is short with `mayEnd`, else EIO.
   * It is EIO too if the file has another size or mtime than the arguments.
   */
  sendFile(
    unique: number,
    fd: number,
    position: number,
    length: number,
    mayEnd: boolean,
    ...state: [] | [size: number, mtimeSec: number, mtimeNsec: number]
  ): void;
  /**
   * FUSE_DEV_IOC_BACKING_OPEN (Linux 6.9): lets the kernel read and write the file of `fd` directly. Returns a backing
   * ID (1 or more), which outlives `fd`, or a negative errno: -EPERM without CAP_SYS_ADMIN or if INIT did not grant
   * passthrough.
   */
  openBacking(fd: number): number;
  /**
   * FUSE_DEV_IOC_BACKING_CLOSE: releases a backing ID. Files that the kernel opened with it stay open. 0 or a negative
   * errno.
   */
  closeBacking(id: number): number;
}

export interface ChannelConstructor {
  /**
   * @param fd the device, which the channel owns from now on
   * @param request the buffer for each request; its content is valid until `onRequest` returns
   * @param reply the buffer in which `onRequest` writes a reply, whose length it returns; 0: no reply yet
   * @param onRequest must not throw
   * @param onEnd called when the connection has ended, with 0 (unmounted or aborted) or an errno
   */
  new (
    fd: number,
    request: Uint8Array,
    reply: Uint8Array,
    onRequest: (length: number) => number,
    onEnd: (errno: number) => void,
  ): Channel;
}

export const Channel = (addon as { Channel: ChannelConstructor }).Channel;
