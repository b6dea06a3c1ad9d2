// The message that makes the kernel send all requests again that were read from the device and not answered.
//
// A fuse_out_header whose unique is 0 and whose error is FUSE_NOTIFY_RESEND (7), without a body. The requests come with bit 63
// of their unique set (unique.ts), before those that nobody has read.
import { NOTIFY_RESEND, OUT_HEADER_SIZE } from './protocol.ts';

/** Little-endian, as the kernel's header on all machines that Node's prebuilt files are for. */
export const resendNotice: Uint8Array = Uint8Array.from([
  ...[OUT_HEADER_SIZE, 0, 0, 0],
  ...[NOTIFY_RESEND, 0, 0, 0],
  ...[0, 0, 0, 0, 0, 0, 0, 0],
]);
