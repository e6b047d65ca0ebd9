/** What connect-es says where it refuses a call by itself, in the words that Parapet has for it. */
import type { UniversalServerResponse } from "@connectrpc/connect/protocol";
import { Protocol } from "../call.js";
import { fail, type Failure, Reason } from "../errors.js";
import { encodingUnsupported } from "./encoding.js";
import { answerTooLarge, faults, malformed, tooLarge } from "./malformed.js";
import type { Spelling } from "./protocol.js";

const trailerFlag = 0x80;
const endStreamFlag = 0x02;

/** Its texts, at the version that is pinned, with what they mean. */
const meanings: readonly (readonly [text: RegExp, mean: (messageBytesMax: number) => Failure])[] = [
  [/^unknown compression /, encodingUnsupported],
  [/^protocol error: missing input message/, () => malformed(faults.noMessage)],
  [/^protocol error: received extra input message/, () => malformed(faults.moreMessages)],
  [/^protocol error: incomplete envelope/, () => malformed(faults.cutOff)],
  [/^received compressed envelope/, () => malformed(faults.compressionUnnamed)],
  [/^decompression failed/, () => malformed(faults.notDecompressed)],
  [/^message (?:size )?(?:\d+ )?is larger than configured readMaxBytes/, tooLarge],
  [/^parse binary: /, () => malformed(faults.notFitting)],
  [/duplicate object key/, () => malformed(faults.nameTwice)],
  [/^cannot decode message \S+ from JSON: (?:Unexpected|Expected|Unterminated|Bad |No number|Exponent part)/, () => malformed(faults.notJson)],
  [/encoded data was not valid/, () => malformed(faults.notJson)],
  [/^cannot decode /, () => malformed(faults.notFitting)],
];

const reasonOfCode: Readonly<Record<string, Reason>> = {
  canceled: Reason.CALL_CANCELLED,
  "1": Reason.CALL_CANCELLED,
  deadline_exceeded: Reason.DEADLINE_PASSED,
  "4": Reason.DEADLINE_PASSED,
};

interface Told {
  /** Number or name of the code; undefined where the answer holds none. */
  readonly code: string | undefined;
  readonly message: string;
}

/** The failure behind an answer that no handler of ours gave: malformed, too large, badly compressed. Undefined: it is no failure. */
export function foreignFailure(answer: UniversalServerResponse, body: readonly Uint8Array[], spelling: Spelling, messageBytesMax: number): Failure | undefined {
  if (answer.status === 415) return fail(Reason.CONTENT_TYPE_UNSUPPORTED);
  if (answer.status === 405) return fail(Reason.VERB_NOT_ALLOWED);
  if (answer.status === 200 && !spelling.stream) return undefined;
  const { code, message } = told(answer, Buffer.concat(body), spelling);
  if (code === "0") return undefined;
  const meaning = meanings.find(([text]) => text.test(message));
  if (meaning !== undefined) return meaning[1](messageBytesMax);
  return fail(reasonOfCode[code ?? ""] ?? Reason.REQUEST_MALFORMED);
}

/** The failure behind an answer that a handler gave and connect-es could not write down. Undefined: it could. */
export function unwritten(answer: UniversalServerResponse, body: readonly Uint8Array[], spelling: Spelling, responseBytesMax: number): Failure | undefined {
  if (answer.status === 200 && !spelling.stream) return undefined;
  const { code, message } = told(answer, Buffer.concat(body), spelling);
  if (code === "0" || (code === undefined && spelling.protocol === Protocol.CONNECT)) return undefined;
  if (code === "8" || code === "resource_exhausted") return answerTooLarge(responseBytesMax);
  return fail(Reason.INTERNAL, {}, { cause: new Error(message) });
}

function told({ header, trailer }: UniversalServerResponse, body: Buffer, spelling: Spelling): Told {
  if (spelling.protocol === Protocol.GRPC) return ofFields((name) => trailer?.get(name) ?? header?.get(name));
  if (spelling.protocol === Protocol.GRPC_WEB) {
    const lines = lastFrame(body, trailerFlag)?.toString() ?? "";
    return ofFields((name) => new RegExp(`^${name}: (.*)$`, "im").exec(lines)?.[1]?.trimEnd());
  }
  const error = spelling.stream ? (parsed(lastFrame(body, endStreamFlag)) as { error?: Partial<Told> }).error : (parsed(body) as Partial<Told>);
  return { code: error?.code, message: error?.message ?? "" };
}

function ofFields(field: (name: string) => string | null | undefined): Told {
  return { code: field("grpc-status") ?? undefined, message: decoded(field("grpc-message") ?? "") };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function parsed(json: Buffer | undefined): unknown {
  try {
    return JSON.parse(json?.toString() ?? "{}");
  } catch {
    return {};
  }
}

function lastFrame(bytes: Buffer, flag: number): Buffer | undefined {
  for (let at = 0; at + 5 <= bytes.length; ) {
    const end = at + 5 + bytes.readUInt32BE(at + 1);
    if ((bytes[at]! & flag) !== 0) return bytes.subarray(at + 5, end);
    at = end;
  }
  return undefined;
}
