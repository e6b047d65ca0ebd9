/** Frames of five bytes and a message: the framing that gRPC, gRPC-Web and Connect streams share. */

/** One frame. */
export interface Frame {
  /** Bit 0: compressed; 0x80: trailers (gRPC-Web); 0x02: end of stream (Connect). */
  readonly flags: number;
  readonly data: Uint8Array;
}

/** A message in its frame. */
export function frame(data: Uint8Array, flags = 0): Uint8Array {
  const out = Buffer.alloc(5 + data.length);
  out[0] = flags;
  out.writeUInt32BE(data.length, 1);
  out.set(data, 5);
  return out;
}

/** The frames of a body; what is left of a torn one is dropped. */
export function frames(body: Uint8Array): Frame[] {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const found: Frame[] = [];
  for (let at = 0; at + 5 <= bytes.length; ) {
    const end = at + 5 + bytes.readUInt32BE(at + 1);
    if (end > bytes.length) break;
    found.push({ flags: bytes[at]!, data: bytes.subarray(at + 5, end) });
    at = end;
  }
  return found;
}
