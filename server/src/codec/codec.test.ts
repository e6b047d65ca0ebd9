/** Holds the compiled codecs to protobuf-es: same messages, same text, same bytes, same errors. */
import { isDeepStrictEqual } from "node:util";
import { create, type DescFile, type DescMessage, fromBinary, fromJson, type JsonValue, type Message, toBinary, toJson } from "@bufbuild/protobuf";
import { file_google_protobuf_struct, file_google_protobuf_wrappers, file_google_protobuf_timestamp, file_google_protobuf_duration, file_google_protobuf_field_mask, file_google_protobuf_any, ValueSchema } from "@bufbuild/protobuf/wkt";
import { file_google_api_httpbody } from "@parapet/contract/google/api/httpbody_pb";
import { file_google_rpc_error_details } from "@parapet/contract/google/rpc/error_details_pb";
import { file_google_rpc_status } from "@parapet/contract/google/rpc/status_pb";
import { file_grpc_health_v1_health } from "@parapet/contract/grpc/health/v1/health_pb";
import { file_grpc_reflection_v1_reflection } from "@parapet/contract/grpc/reflection/v1/reflection_pb";
import { file_parapet_audit_v1_audit_record } from "@parapet/contract/parapet/audit/v1/audit_record_pb";
import { file_parapet_audit_v1_audit_service } from "@parapet/contract/parapet/audit/v1/audit_service_pb";
import { file_parapet_auth_v1_auth_service } from "@parapet/contract/parapet/auth/v1/auth_service_pb";
import { AddRequestSchema, GetRequestSchema, GetResponseSchema, GetStatsResponseSchema, SearchRequestSchema, SearchResponseSchema, UpdateRequestSchema, file_parapet_document_v1_document_service } from "@parapet/contract/parapet/document/v1/document_service_pb";
import { file_parapet_document_v1_document } from "@parapet/contract/parapet/document/v1/document_pb";
import { file_parapet_policy_v1_policy } from "@parapet/contract/parapet/policy/v1/policy_pb";
import { file_parapet_system_v1_system_service } from "@parapet/contract/parapet/system/v1/system_service_pb";
import { describe, expect, it } from "vitest";
import { awkwardMessages } from "../testing/awkward-messages.js";
import { seeded } from "../testing/random.js";
import { mutateBytes, mutateJson, randomMessage } from "../testing/random-message.js";
import { compileBinaryReader } from "./binary-read.js";
import { compileBinaryWriter } from "./binary-write.js";
import { codecsOf } from "./codec.js";
import { compileForms } from "./json-forms.js";
import { compileJsonReader } from "./json-read.js";
import { compileJsonWriter } from "./json-write.js";
import { typesBeside } from "./types.js";

const seed = Number(process.env["CODEC_TEST_SEED"] ?? 20_261_102);
const messagesEach = Number(process.env["CODEC_TEST_MESSAGES"] ?? 60);

const contract: readonly DescFile[] = [
  file_parapet_document_v1_document,
  file_parapet_document_v1_document_service,
  file_parapet_auth_v1_auth_service,
  file_parapet_audit_v1_audit_record,
  file_parapet_audit_v1_audit_service,
  file_parapet_system_v1_system_service,
  file_parapet_policy_v1_policy,
  file_grpc_health_v1_health,
  file_grpc_reflection_v1_reflection,
  file_google_rpc_error_details,
  file_google_rpc_status,
  file_google_api_httpbody,
  file_google_protobuf_struct,
  file_google_protobuf_wrappers,
  file_google_protobuf_timestamp,
  file_google_protobuf_duration,
  file_google_protobuf_field_mask,
  file_google_protobuf_any,
];

const withNested = (desc: DescMessage): DescMessage[] => [desc, ...desc.nestedMessages.flatMap(withNested)];
const types = [...contract.flatMap((file) => file.messages), ...awkwardMessages()].flatMap(withNested);

type Outcome<T> = { readonly value: T } | { readonly error: string };

function attempt<T>(run: () => T): Outcome<T> {
  try {
    return { value: run() };
  } catch (thrown) {
    return { error: String(thrown) };
  }
}

/** Everything that can be told apart: values, types, prototypes, own keys and their order. */
function same(a: unknown, b: unknown): boolean {
  return isDeepStrictEqual(a, b) && ordered(a) === ordered(b);
}

const ordered = (value: unknown): string => JSON.stringify(value, (_key, inner: unknown) => (typeof inner === "bigint" ? `${inner}n` : inner)) ?? "";

/** Fails unless both outcomes are the same, and says how to get them again. */
function agree<T>(ours: Outcome<T>, theirs: Outcome<T>, input: unknown): void {
  if (!same(ours, theirs)) expect({ seed, input, outcome: ours }).toStrictEqual({ seed, input, outcome: theirs });
}

const asJson = { ignoreUnknownFields: true };
const asText = { alwaysEmitImplicit: true };
/** As above, with the types that an Any may hold. */
const beside = (desc: DescMessage) => ({ ...asJson, ...asText, registry: typesBeside(desc) });

describe.each(types.map((desc) => [desc.typeName, desc] as const))("%s", (_name, desc) => {
  const ours = codecsOf(desc);
  const inForm = compileForms(desc, () => typesBeside(desc));
  const names = desc.fields.flatMap((field) => [field.name, field.jsonName]);
  const tame = { strangers: 0, unknown: 0.02 };
  const each = (salt: number, wild: { strangers: number; unknown: number }, check: (message: Message, random: () => number) => void): void => {
    const random = seeded(seed + salt);
    for (let i = 0; i < messagesEach; i++) check(randomMessage(desc, random, wild), random);
  };

  it("is written as JSON text and read from JSON as protobuf-es does", () => {
    each(1, tame, (message, random) => {
      const text = attempt(() => JSON.stringify(toJson(desc, message, beside(desc))));
      agree(attempt(() => ours.writeJson(message)), text, message);
      const terse = attempt(() => toJson(desc, message, { registry: typesBeside(desc) }));
      for (const plain of ["value" in text ? (JSON.parse(text.value) as JsonValue) : {}, "value" in terse ? terse.value : {}]) {
        // Broken Unicode, which protobuf-es lets through in a Struct, is the one thing that it writes and we refuse.
        const broken = /\\ud[89a-f]/.test(JSON.stringify(plain));
        agree(attempt(() => ours.readJson(plain)), attempt(() => fromJson(desc, broken ? inForm(plain) : plain, beside(desc))), plain);
        for (const share of [0.02, 0.2]) {
          const mutant = mutateJson(plain, random, names, share) as JsonValue;
          agree(attempt(() => ours.readJson(mutant)), attempt(() => fromJson(desc, inForm(mutant), beside(desc))), mutant);
        }
      }
    });
  });

  it("is written to bytes and read from bytes as protobuf-es does", () => {
    each(2, tame, (message, random) => {
      const bytes = attempt<Uint8Array>(() => toBinary(desc, message));
      agree(attempt(() => Uint8Array.from(ours.writeBinary(message))), bytes, message);
      let given: Uint8Array = "value" in bytes ? bytes.value : new Uint8Array(0);
      for (let mutations = 0; mutations < 4; mutations++) {
        const input = random() < 0.5 ? given : Buffer.concat([Buffer.from("before"), given]).subarray(6);
        agree(attempt(() => ours.readBinary(input)), attempt(() => fromBinary(desc, input)), input);
        given = mutateBytes(given, random);
      }
    });
  });

  it("is written or refused as protobuf-es does where it holds what it may not", () => {
    each(3, { strangers: 0.1, unknown: 0.1 }, (message) => {
      agree(attempt(() => ours.writeJson(message)), attempt(() => JSON.stringify(toJson(desc, message, beside(desc)))), message);
      agree(attempt(() => Uint8Array.from(ours.writeBinary(message))), attempt(() => toBinary(desc, message)), message);
    });
  });
});

/** A message as callers send it, by its type. */
const plain: readonly (readonly [desc: DescMessage, json: JsonValue])[] = [
  [GetRequestSchema, { collection: "notes", key: "a/b", lang: "de" }],
  [AddRequestSchema, { collection: "notes", key: "k", meta: { tags: ["a", "ü", "😀"], none: [] }, contentMd: "# Title\n\n\"text\" €".repeat(40), ttl: "86400.5s", createOnly: true, laterField: { x: [1] } }],
  [UpdateRequestSchema, { collection: "notes", key: "k", updateMask: "contentMd,meta", contentMd: "x", ttl: null }],
  [GetResponseSchema, { document: { id: "1", meta: { tag: ["x"] }, addedAt: "2026-11-02T10:11:12.123456Z", updatedAt: "1999-12-31T23:59:59Z", revision: 3 } }],
  [SearchRequestSchema, { collection: "notes", filterMeta: { tag: ["x", "y"] }, lang: "", limit: 10, asc: true }],
  [SearchResponseSchema, { documents: [{ key: "a" }, { key: "b", meta: {} }], totalSize: 2 }],
  [GetStatsResponseSchema, { collections: [{ name: "n", documentBytes: "123456789012", revisionCount: 4_000_000_000 }] }],
  [ValueSchema, { a: [1.5, null, true, { b: "c" }] }],
];

describe("plain messages", () => {
  it.each(plain.map(([desc, json]) => [desc.name, desc, json] as const))("of type %s need no protobuf-es", (_name, desc, json) => {
    const message = fromJson(desc, json, asJson);
    expect(compileJsonReader(desc)(json)).toStrictEqual(message);
    expect(compileJsonWriter(desc)(message)).toBe(JSON.stringify(toJson(desc, message, beside(desc))));
    if (desc === ValueSchema || desc === UpdateRequestSchema) return;
    expect(Uint8Array.from(compileBinaryWriter(desc)(message))).toStrictEqual(toBinary(desc, message));
    expect(compileBinaryReader(desc)(toBinary(desc, message))).toStrictEqual(message);
  });
});

const typeNamed = (name: string): DescMessage => types.find((desc) => desc.typeName === name)!;

describe("bytes", () => {
  it("that spell a number in more bytes than it needs, or in too many, are read as protobuf-es does", () => {
    const desc = typeNamed("awkward3.Singular");
    const numbers = desc.fields.filter((field) => field.fieldKind === "enum" || /^a_(?:s|u)?int|^a_bool/.test(field.name)).map((field) => field.number);
    for (const number of numbers) {
      for (const fill of [0x80, 0xff, 0x81]) {
        for (let length = 0; length <= 11; length++) {
          for (const last of [0, 1, 2, 0x40, 0x7f]) {
            const tag = number << 3;
            for (const spelling of [tag < 0x80 ? [tag] : [tag | 0x80, tag >> 7], [tag | 0x80, (tag >> 7) | 0x80, 0], [tag | 0x80, (tag >> 7) | 0x80, 0x80, 0x80, 0x10]]) {
              const bytes = Uint8Array.from([...spelling, ...Array.from({ length }, () => fill), last]);
              agree(attempt(() => codecsOf(desc).readBinary(bytes)), attempt(() => fromBinary(desc, bytes)), bytes);
            }
          }
        }
      }
    }
  });

  it("of messages within messages are read to the depth that protobuf-es reads", () => {
    const desc = typeNamed("awkward3.Tree");
    for (let depth = 85; depth < 105; depth++) {
      let message = create(desc, { value: "leaf" }) as Message;
      for (let i = 1; i < depth; i++) message = create(desc, { left: message });
      const bytes = toBinary(desc, message);
      agree(attempt(() => codecsOf(desc).readBinary(bytes)), attempt(() => fromBinary(desc, bytes)), depth);
    }
  });
});

describe("codecs", () => {
  it("refuse a message of another type as protobuf-es does", () => {
    const stranger = create(typeNamed("google.rpc.RetryInfo"));
    for (const desc of types) {
      agree(attempt(() => codecsOf(desc).writeJson(stranger)), attempt(() => JSON.stringify(toJson(desc, stranger, beside(desc)))), desc.typeName);
      agree(attempt(() => Uint8Array.from(codecsOf(desc).writeBinary(stranger))), attempt(() => toBinary(desc, stranger)), desc.typeName);
    }
  });

  it("are the same for the same descriptor", () => {
    expect(codecsOf(AddRequestSchema)).toBe(codecsOf(AddRequestSchema));
  });

  it("keep nothing of what was written or read before", () => {
    const { readJson, writeBinary } = codecsOf(AddRequestSchema);
    const json = { collection: "a", key: "b", meta: { tag: ["x"] } };
    const first = readJson(json);
    const second = readJson(json);
    const bytes = writeBinary(first);
    const copy = Uint8Array.from(bytes);
    writeBinary(create(AddRequestSchema, { collection: "something else" }));
    json.meta.tag[0] = "changed";
    expect(bytes).toStrictEqual(Buffer.from(copy));
    expect(first).toStrictEqual(second);
    expect((first as unknown as { meta: unknown }).meta).not.toBe((second as unknown as { meta: unknown }).meta);
  });

  it("write messages larger than any buffer that is kept", () => {
    const { writeBinary, writeJson } = codecsOf(AddRequestSchema);
    for (const contentMd of ["a", "é", "€", "😀", "\ud800"].map((unit) => unit.repeat(100_000))) {
      const message = create(AddRequestSchema, { contentMd, key: "k".repeat(4000) });
      expect(Buffer.compare(writeBinary(message), toBinary(AddRequestSchema, message))).toBe(0);
      expect(writeJson(message) === JSON.stringify(toJson(AddRequestSchema, message, asText))).toBe(true);
    }
  });

  it("do not take for a field what an object has from its prototype", () => {
    const { readJson } = codecsOf(AddRequestSchema);
    const json = Object.create({ collection: "inherited" }) as { [key: string]: JsonValue };
    expect(readJson(json)).toStrictEqual(create(AddRequestSchema));
  });
});
