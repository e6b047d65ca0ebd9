/** The base64 layer of gRPC-Web text: concatenated, separately padded pieces. */
import { fail, Reason } from "../../errors.js";
import { base64PiecesMax } from "../../limits.js";

const stranger = /[^A-Za-z0-9+/]/;
const quantum = /^[A-Za-z0-9+/]{2}(?:[A-Za-z0-9+/]{2}|[A-Za-z0-9+/]=|==)$/;

/** Decodes a stream of base64 text whose pieces may be padded anywhere on a four-character boundary. Throws REQUEST_MALFORMED. */
export async function* decodeBase64Stream(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let rest = "";
  for await (const chunk of source) {
    const text = rest + Buffer.from(chunk).toString("latin1");
    const whole = text.length - (text.length % 4);
    rest = text.slice(whole);
    if (whole > 0) yield decode(text.slice(0, whole));
  }
  if (rest.length > 0) throw fail(Reason.REQUEST_MALFORMED, {}, { message: "the base64 text is truncated" });
}

/** Decodes a whole text. Throws REQUEST_MALFORMED. */
export function decodeBase64(text: string): Buffer {
  const whole = text.length - (text.length % 4);
  const bytes = decode(text.slice(0, whole));
  if (whole < text.length) throw fail(Reason.REQUEST_MALFORMED, {}, { message: "the base64 text is truncated" });
  return bytes;
}

function decode(text: string): Buffer {
  const pieces: Buffer[] = [];
  let from = 0;
  // A piece costs a hundred times its bytes, and a client pads once a frame.
  for (let pad = text.indexOf("="); pad >= 0; pad = text.indexOf("=", from)) {
    const end = pad - (pad % 4) + 4;
    if (!quantum.test(text.slice(end - 4, end)) || stranger.test(text.slice(from, end - 4))) throw malformed();
    if (pieces.push(Buffer.from(text.slice(from, end), "base64")) > base64PiecesMax) throw malformed();
    from = end;
  }
  const tail = text.slice(from);
  if (stranger.test(tail)) throw malformed();
  if (tail !== "") pieces.push(Buffer.from(tail, "base64"));
  return pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces);
}

function malformed(): Error {
  return fail(Reason.REQUEST_MALFORMED, {}, { message: "the body is not base64 text" });
}
