/** Reads a policy file: what `parapet.policy.v1` and `google.api.http` say on an RPC, said beside protos that are not ours to edit. */
import { create, type DescMessage, fromJson, type JsonValue, type MessageShape } from "@bufbuild/protobuf";
import { MethodOptions_IdempotencyLevel as IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import { type HttpRule, HttpRuleSchema } from "@parapet/contract/google/api/http_pb";
import {
  type Access,
  AccessSchema,
  type Audit,
  AuditSchema,
  type Bucket,
  BucketSchema,
  type FieldPolicy,
  FieldPolicySchema,
  type IdempotencyKey,
  type Limit,
  LimitSchema,
  MethodPolicySchema,
  type Webhook,
  WebhookSchema,
} from "@parapet/contract/parapet/policy/v1/policy_pb";
import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument, type YAMLMap } from "yaml";
import { GeneratorError, type Problem } from "../errors.js";

/** What a policy file says. */
export interface PolicyFile {
  /** Buckets that it declares, with the place of the list. */
  readonly buckets: readonly Bucket[];
  readonly methods: readonly MethodEntry[];
  readonly fields: readonly FieldEntry[];
  readonly webhooks: readonly WebhookEntry[];
}

/** What it says of the methods that a pattern names. What is not there is left to other entries. */
export interface MethodEntry {
  /** `package.Service/Method`, in which `*` stands for any run of characters. */
  readonly pattern: string;
  /** `file:line:column`. */
  readonly place: string;
  readonly access?: Access;
  readonly limit?: Limit;
  readonly audit?: Audit;
  readonly idempotencyKey?: IdempotencyKey;
  readonly idempotencyLevel?: IdempotencyLevel;
  /** `null`: the method is not on REST, whatever its proto says. */
  readonly http?: HttpRule | null;
}

/** What it says of a field. */
export interface FieldEntry {
  /** `package.Message.field`. */
  readonly name: string;
  readonly place: string;
  readonly debugRedact: boolean;
  readonly policy: FieldPolicy;
}

/** An event that it declares. */
export interface WebhookEntry {
  readonly place: string;
  /** `package.Message`, whose JSON is the event's data. */
  readonly payload: string;
  readonly webhook: Webhook;
}

/** Members of an entry, in both spellings of protobuf-JSON. */
const methodMembers = ["access", "limit", "audit", "idempotencyKey", "idempotencyLevel", "http"] as const;
const fieldMembers = ["debugRedact", "personal"] as const;
const webhookMembers = ["payload", "description"] as const;
const fileMembers = ["buckets", "methods", "fields", "webhooks"] as const;

/**
 * Reads a policy file, which is YAML or JSON.
 * @param name how problems call the file
 * @throws GeneratorError with everything that is wrong with it
 */
export function readPolicyFile(text: string, name: string): PolicyFile {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const reader = new Reader(name, lines, document);
  for (const { message, pos } of document.errors) reader.fault(pos[0], message.split("\n")[0]!.replace(/ at line .*$/, ""));
  const file = document.errors.length > 0 ? empty : reader.file(document.contents);
  if (reader.problems.length > 0) throw new GeneratorError(reader.problems);
  return file;
}

const empty: PolicyFile = { buckets: [], methods: [], fields: [], webhooks: [] };

/** A member of a mapping. */
interface Member {
  readonly key: string;
  /** Offset of the key. */
  readonly at: number;
  readonly value: Node | null;
}

class Reader {
  readonly problems: Problem[] = [];

  constructor(
    private readonly name: string,
    private readonly lines: LineCounter,
    private readonly document: Document,
  ) {}

  fault(at: number, message: string): void {
    this.problems.push({ rule: "policy-file-invalid", place: this.place(at), message });
  }

  file(root: Node | null): PolicyFile {
    const members = this.members(root, "a policy file", fileMembers);
    const { buckets, methods, fields, webhooks } = Object.fromEntries(members.map((member) => [member.key, member]));
    return {
      buckets: buckets ? this.buckets(buckets) : [],
      methods: methods ? this.members(methods.value, "methods").map((member) => this.method(member)) : [],
      fields: fields ? this.members(fields.value, "fields").map((member) => this.field(member)) : [],
      webhooks: webhooks ? this.members(webhooks.value, "webhooks").flatMap((member) => this.webhook(member) ?? []) : [],
    };
  }

  private buckets({ value, at }: Member): Bucket[] {
    if (!isSeq<Node>(value)) {
      this.fault(at, "buckets is a list");
      return [];
    }
    return value.items.flatMap((item) => this.message(BucketSchema, item, item.range?.[0] ?? at, "bucket") ?? []);
  }

  private method({ key: pattern, at, value }: Member): MethodEntry {
    if (!/^[\w.*]+(?:\/[\w*]+)?$/.test(pattern) || !/[/*]/.test(pattern)) {
      this.fault(at, `"${pattern}" is no package.Service/Method, in which * may stand for any run of characters`);
    }
    const entry: { -readonly [K in keyof MethodEntry]: MethodEntry[K] } = { pattern, place: this.place(at) };
    for (const { key, at: from, value: node } of this.members(value, pattern, methodMembers)) {
      if (key === "access") {
        entry.access = this.message(AccessSchema, node, from, key);
        if (entry.access !== undefined && entry.access.rule.case === undefined) this.fault(from, "access states no rule; write public: {}, authenticated: {} or permission: {…}");
      } else if (key === "limit") {
        entry.limit = this.message(LimitSchema, node, from, key);
      } else if (key === "audit") {
        entry.audit = this.message(AuditSchema, node, from, key);
      } else if (key === "idempotencyKey") {
        entry.idempotencyKey = this.parsed(MethodPolicySchema, { idempotencyKey: this.jsonOf(node) }, from, key)?.idempotencyKey;
      } else if (key === "idempotencyLevel") {
        const level = isScalar(node) ? IdempotencyLevel[node.value as keyof typeof IdempotencyLevel] : undefined;
        if (typeof level === "number") entry.idempotencyLevel = level;
        else this.fault(from, `idempotencyLevel is one of ${Object.values(IdempotencyLevel).filter((each) => typeof each === "string").join(", ")}`);
      } else if (pattern.includes("*")) {
        this.fault(from, "http is said of one method, never of a pattern");
      } else {
        entry.http = isScalar(node) && node.value === null ? null : this.message(HttpRuleSchema, node, from, key);
      }
    }
    return entry;
  }

  private field({ key: name, at, value }: Member): FieldEntry {
    const json = Object.fromEntries(this.members(value, name, fieldMembers).map(({ key, value: node }) => [key, this.jsonOf(node)]));
    const { debugRedact = false, ...policy } = json;
    if (typeof debugRedact !== "boolean") this.fault(at, "debugRedact is true or false");
    return { name, place: this.place(at), debugRedact: debugRedact === true, policy: this.parsed(FieldPolicySchema, policy, at, name) ?? create(FieldPolicySchema) };
  }

  private webhook({ key: event, at, value }: Member): WebhookEntry | undefined {
    const { payload, ...said } = Object.fromEntries(this.members(value, event, webhookMembers).map(({ key, value: node }) => [key, this.jsonOf(node)]));
    if (typeof payload !== "string") {
      this.fault(at, `the event "${event}" names no payload: write package.Message`);
      return undefined;
    }
    const webhook = this.parsed(WebhookSchema, { ...said, event }, at, event);
    return webhook && { place: this.place(at), payload, webhook };
  }

  /** The members of a mapping, their names in lower camel case; with `known`, no others. */
  private members(node: Node | null, what: string, known?: readonly string[]): Member[] {
    if (!isMap<Node, Node | null>(node)) {
      this.fault(node?.range?.[0] ?? 0, `${what} is a mapping`);
      return [];
    }
    return (node as YAMLMap<Node, Node | null>).items.flatMap(({ key, value: given }): Member[] => {
      const value = isAlias(given) ? (given.resolve(this.document) ?? null) : given;
      const at = key.range?.[0] ?? 0;
      const written = isScalar(key) ? String(key.value) : "";
      const name = known === undefined ? written : written.replace(/_([a-z])/g, (_match, letter: string) => letter.toUpperCase());
      if (known === undefined || known.includes(name)) return [{ key: name, at, value }];
      this.fault(at, `unknown member "${written}" of ${what}; known: ${known.join(", ")}`);
      return [];
    });
  }

  private message<T extends DescMessage>(schema: T, node: Node | null, at: number, what: string): MessageShape<T> | undefined {
    if (isMap(node)) return this.parsed(schema, this.jsonOf(node), at, what);
    this.fault(at, `${what} is a mapping: ${schema.typeName} as protobuf-JSON`);
    return undefined;
  }

  private jsonOf(node: Node | null): JsonValue {
    return node === null ? null : (node.toJS(this.document) as JsonValue);
  }

  private parsed<T extends DescMessage>(schema: T, json: JsonValue, at: number, what: string): MessageShape<T> | undefined {
    try {
      return fromJson(schema, json);
    } catch (error) {
      this.fault(at, `${what}: ${(error as Error).message}`);
      return undefined;
    }
  }

  private place(at: number): string {
    const { line, col } = this.lines.linePos(at);
    return `${this.name}:${line}:${col}`;
  }
}
