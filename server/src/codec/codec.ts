/** Reads and writes the messages of one type, as JSON and as binary. */
import { type DescMessage, type DescService, fromBinary, fromJson, type JsonValue, type Message, toBinary, toJson } from "@bufbuild/protobuf";
import { type BinaryFault, compileBinaryBounds } from "./binary-bounds.js";
import { compileBinaryReader } from "./binary-read.js";
import { compileBinaryWriter } from "./binary-write.js";
import { compileForms } from "./json-forms.js";
import { compileJsonReader } from "./json-read.js";
import { compileJsonWriter } from "./json-write.js";
import { typesBeside } from "./types.js";

/** The codecs of one message type. */
export interface Codecs {
  /**
   * A message from parsed JSON, as protobuf-es reads the forms that ProtoJSON has, unknown fields ignored
   * (protobuf.dev/programming-guides/json). A key that the text had twice is for whoever parsed it. Throws what protobuf-es throws.
   */
  readJson(json: JsonValue): Message;
  /** Parsed JSON such that protobuf-es reads of it what `readJson` does, unknown fields left out. Throws for forms that ProtoJSON does not have. */
  inForm(json: JsonValue): JsonValue;
  /** JSON text with fields that have default values, as protobuf-es writes it. Throws what protobuf-es throws. */
  writeJson(message: Message): string;
  /** What keeps bytes from being read within bounds, for who reads those of strangers. Compiled when first asked. */
  faultOfBinary(bytes: Uint8Array): BinaryFault | undefined;
  /** A message from protobuf's binary encoding; unknown fields are kept. Throws what protobuf-es throws. */
  readBinary(bytes: Uint8Array): Message;
  /** The binary encoding, byte for byte as protobuf-es writes it. May share its memory with other buffers. Throws what protobuf-es throws. */
  writeBinary(message: Message): Uint8Array;
}

const memo = new WeakMap<DescMessage, Codecs>();

/**
 * The codecs of a message type: compiled when first asked for, so ask at start. The same object for the same descriptor.
 * `service`: whose method takes or gives it; the file of google.protobuf.Any says nothing of the types that a method's one may hold.
 */
export function codecsOf(desc: DescMessage, service?: DescService): Codecs {
  if (service !== undefined && desc.typeName === "google.protobuf.Any") return compile(desc, service);
  let codecs = memo.get(desc);
  if (codecs === undefined) memo.set(desc, (codecs = compile(desc, desc)));
  return codecs;
}

function compile(desc: DescMessage, beside: DescMessage | DescService): Codecs {
  const inForm = compileForms(desc, () => typesBeside(beside));
  let bounds: ReturnType<typeof compileBinaryBounds> | undefined;
  return {
    faultOfBinary: (bytes) => (bounds ??= compileBinaryBounds(desc))(bytes),
    inForm,
    readJson: orElse(compileJsonReader(desc), (json) => fromJson(desc, inForm(json), { ignoreUnknownFields: true, registry: typesBeside(beside) })),
    writeJson: orElse(compileJsonWriter(desc), (message) => JSON.stringify(toJson(desc, message, { alwaysEmitImplicit: true, registry: typesBeside(beside) }))),
    readBinary: orElse(compileBinaryReader(desc), (bytes) => fromBinary(desc, bytes)),
    writeBinary: orElse(compileBinaryWriter(desc), (message) => toBinary(desc, message)),
  };
}

/** What the fast way does not take, protobuf-es takes or refuses: what is right, and which error says so, is decided there alone. */
function orElse<In, Out>(fast: (given: In) => Out, sure: (given: In) => Out): (given: In) => Out {
  return (given) => {
    try {
      return fast(given);
    } catch {
      return sure(given);
    }
  };
}
