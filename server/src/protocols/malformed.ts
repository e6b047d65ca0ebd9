/** What can be wrong with a request before it is a message, in the words that callers read whichever executor finds it. */
import { fail, type Failure, Reason } from "../errors.js";

/** The faults of calls, the same for both executors. */
export const faults = {
  versionUnknown: "the version of the Connect protocol is not known: it is 1",
  deadlineUnreadable: "the deadline cannot be read",
  noMessage: "the call holds no message",
  moreMessages: "a unary call holds one message",
  cutOff: "the message is cut off",
  flagUnknown: "the message has a flag that is not known",
  compressionUnnamed: "the message says that it is compressed, the call does not say how",
  notDecompressed: "the message cannot be decompressed as the call says",
  unbounded: "the message has too many fields and values, or too deep ones",
  notJson: "the body is not valid JSON",
  nameTwice: "an object of the body has two members of one name",
  notFitting: "the request does not fit its message",
} as const;

/** REQUEST_MALFORMED with the words for the caller; the cause is for the log. */
export function malformed(message: string, cause?: unknown): Failure {
  return fail(Reason.REQUEST_MALFORMED, {}, cause === undefined ? { message } : { message, cause });
}

/** MESSAGE_TOO_LARGE for a message beyond a bound, in bytes without its wrapping and decompressed (ER-06). */
export function tooLarge(bytesMax: number): Failure {
  return fail(Reason.MESSAGE_TOO_LARGE, { bytesMax: String(bytesMax) }, { message: `a message may have at most ${bytesMax} bytes` });
}

/** MESSAGE_TOO_LARGE for an answer. */
export function answerTooLarge(bytesMax: number): Failure {
  return fail(Reason.MESSAGE_TOO_LARGE, {}, { message: `the answer has more than ${bytesMax} bytes` });
}
