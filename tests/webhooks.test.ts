/** Events over a real connection: what an independent sender signs, the generated client takes, and nothing else. */
import { createHmac, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { create, fromJson, type JsonObject, toJson } from "@bufbuild/protobuf";
import { Ajv2020 } from "ajv/dist/2020.js";
import formats from "ajv-formats";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { imageOf } from "../sdk/generator/src/testing/contracts.js";
import { createReceiver, type Receiver } from "./awkward/receiver.js";

/** The sender, as the specification describes one (Standard Webhooks 1.0, signature scheme): nothing of it is ours. */
const secret = randomBytes(24);
const old = randomBytes(64);
const signatureOf = (key: Uint8Array, id: string, timestamp: number, body: string): string => `v1,${createHmac("sha256", key).update(`${id}.${timestamp}.${body}`).digest("base64")}`;
const now = (): number => Math.floor(Date.now() / 1000);
const bodyOf = (type: string, data: unknown): string => JSON.stringify({ type, timestamp: "2026-03-02T18:00:00Z", data });

interface Delivery {
  readonly id?: string;
  readonly timestamp?: number;
  readonly keys?: readonly Uint8Array[];
  /** What arrives, where it is not what was signed. */
  readonly arrives?: string;
  /** Headers to send otherwise; undefined: not at all. */
  readonly headers?: Readonly<Record<string, string | undefined>>;
}

let receiver: Receiver;
let url: string;
beforeAll(async () => {
  receiver = createReceiver([`whsec_${secret.toString("base64")}`, `whsec_${old.toString("base64")}`]);
  await new Promise<void>((resolve) => receiver.server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(receiver.server.address() as AddressInfo).port}/hook`;
});
afterAll(() => new Promise((resolve) => receiver.server.close(resolve)));

let made = 0;
async function deliver(body: string, { id = `msg_${made++}`, timestamp = now(), keys = [secret], arrives = body, headers = {} }: Delivery = {}): Promise<string> {
  const all = { "webhook-id": id, "webhook-timestamp": String(timestamp), "webhook-signature": keys.map((key) => signatureOf(key, id, timestamp, body)).join(" "), ...headers };
  const sent = Object.entries(all).flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as [string, string]]));
  const response = await fetch(url, { method: "POST", headers: [["content-type", "application/json"], ...sent], body: arrives });
  const text = await response.text();
  return `${response.status}${text === "" ? "" : ` ${text}`}`;
}

describe("a receiver that the generated client verifies for", () => {
  test("reads every event by its type, as the server's own JSON has it", async () => {
    const { registry } = await imageOf("awkward");
    const order = registry.getMessage("awkward.v1.Order")!;
    const json = (data: JsonObject) => toJson(order, fromJson(order, data), { alwaysEmitImplicit: true });
    const begun = receiver.told.length;
    expect(await deliver(bodyOf("order.placed", json({ name: "tea", cents: "9007199254740993", firm: { name: "Föhn & Söhne" } })))).toBe("204");
    expect(await deliver(bodyOf("order.placed", toJson(order, create(order), { alwaysEmitImplicit: true })))).toBe("204");
    expect(await deliver(bodyOf("order.paid", { order: "o1", at: "2026-03-02T17:00:00Z", fromTheFuture: 1 }))).toBe("204");
    expect(await deliver(bodyOf("order.payment_failed", { order: "o2" }))).toBe("204");
    expect(await deliver(bodyOf("Order2.moneyBack.Done", { order: "o3" }))).toBe("204");
    expect(await deliver(bodyOf("ping", {}))).toBe("204");
    expect(receiver.told.slice(begun)).toEqual(["tea of Föhn & Söhne for 9007199254740993", " of nobody for 0", "o1 at 2026-03-02T17:00:00Z", "o2", "o3", "ping"]);
  });

  test("takes either signature while a secret is rotated, and counts a repeated delivery once", async () => {
    const begun = receiver.told.length;
    const body = bodyOf("order.payment_failed", { order: "again" });
    expect(await deliver(body, { id: "msg_twice", keys: [randomBytes(32), old] })).toBe("204");
    expect(await deliver(body, { id: "msg_twice", timestamp: now() - 200 })).toBe("204");
    expect(receiver.told.slice(begun)).toEqual(["again"]);
  });

  const body = bodyOf("order.paid", { order: "o1" });
  const refusals: readonly (readonly [what: string, body: string, delivery: Delivery, answer: string])[] = [
    ["under another secret", body, { keys: [randomBytes(24)] }, "400 WEBHOOK_SIGNATURE_INVALID"],
    ["with another body than was signed", body, { arrives: bodyOf("order.paid", { order: "o2" }) }, "400 WEBHOOK_SIGNATURE_INVALID"],
    ["whose JSON was printed anew", body, { arrives: JSON.stringify(JSON.parse(body), null, 1) }, "400 WEBHOOK_SIGNATURE_INVALID"],
    ["with another id than was signed", body, { headers: { "webhook-id": "msg_other" } }, "400 WEBHOOK_SIGNATURE_INVALID"],
    ["with another time than was signed", body, { headers: { "webhook-timestamp": String(now() - 100) } }, "400 WEBHOOK_SIGNATURE_INVALID"],
    ["signed in a way that it does not know", body, { headers: { "webhook-signature": "v9,AAAA" } }, "400 WEBHOOK_SIGNATURE_INVALID"],
    ["that is too old", body, { timestamp: now() - 3600 }, "400 WEBHOOK_TIMESTAMP_OUTSIDE_WINDOW"],
    ["from the future", body, { timestamp: now() + 3600 }, "400 WEBHOOK_TIMESTAMP_OUTSIDE_WINDOW"],
    ["without a signature", body, { headers: { "webhook-signature": undefined } }, "400 WEBHOOK_HEADER_MISSING"],
    ["without an id", body, { headers: { "webhook-id": undefined } }, "400 WEBHOOK_HEADER_MISSING"],
    ["without a time", body, { headers: { "webhook-timestamp": undefined } }, "400 WEBHOOK_HEADER_MISSING"],
    ["of a type that is unknown", bodyOf("order.lost", {}), {}, "202 WEBHOOK_TYPE_UNKNOWN order.lost"],
    ["of a type that every object has", bodyOf("constructor", {}), {}, "202 WEBHOOK_TYPE_UNKNOWN constructor"],
    ["of a type that is unknown, and not signed", bodyOf("order.lost", {}), { keys: [randomBytes(24)] }, "400 WEBHOOK_SIGNATURE_INVALID"],
    ["that is no JSON", "order.paid", {}, "400 WEBHOOK_BODY_MALFORMED"],
    ["without a body", "", {}, "400 WEBHOOK_BODY_MALFORMED"],
    ["that is no object", "[]", {}, "400 WEBHOOK_BODY_MALFORMED"],
    ["without a type", JSON.stringify({ timestamp: "2026-03-02T18:00:00Z", data: {} }), {}, "400 WEBHOOK_BODY_MALFORMED"],
    ["without a time of the event", JSON.stringify({ type: "ping", data: {} }), {}, "400 WEBHOOK_BODY_MALFORMED"],
    ["without data", JSON.stringify({ type: "ping", timestamp: "2026-03-02T18:00:00Z" }), {}, "400 WEBHOOK_BODY_MALFORMED"],
    ["whose data is no object", bodyOf("ping", []), {}, "400 WEBHOOK_BODY_MALFORMED"],
  ];
  test.each(refusals)("refuses one %s", async (_what, signed, delivery, answer) => {
    const begun = receiver.told.length;
    expect(await deliver(signed, delivery)).toBe(answer);
    expect(receiver.told.length).toBe(begun);
  });
});

describe("the document", () => {
  const document = parse(readFileSync(new URL("../sdk/generator/src/targets/openapi/golden/webhooks.openapi.yaml", import.meta.url), "utf8")) as {
    webhooks: Record<string, { post: { requestBody: { content: { "application/json": { example: unknown } } } } }>;
    components: { parameters: Record<string, { name: string; schema: object; example: unknown }> };
  };
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  formats.default(ajv);
  ajv.addSchema(document, "document");
  const bodies = Object.keys(document.webhooks).map((event) => [event, ajv.compile({ $ref: `document#/webhooks/${event}/post/requestBody/content/application~1json/schema` })] as const);

  test.each(bodies)("has an example of %s that is one, and no body of another event is", (event, validate) => {
    for (const other of Object.keys(document.webhooks)) {
      validate(document.webhooks[other]!.post.requestBody.content["application/json"].example);
      expect(validate.errors === null, `${other}: ${ajv.errorsText(validate.errors)}`).toBe(other === event);
    }
  });

  test("takes what the server's own JSON is, defaults and all", async () => {
    const { registry } = await imageOf("awkward");
    const order = registry.getMessage("awkward.v1.Order")!;
    const [, validate] = bodies.find(([event]) => event === "order.placed")!;
    const data = toJson(order, create(order), { alwaysEmitImplicit: true });
    validate(JSON.parse(bodyOf("order.placed", data)));
    expect(validate.errors).toBeNull();
    expect(validate(JSON.parse(bodyOf("order.placed", { name: "n" })))).toBe(false);
  });

  test("says of each header what a signed delivery has", () => {
    const [id, timestamp] = ["msg_1", now()];
    const sent: Record<string, unknown> = { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": [secret, old].map((key) => signatureOf(key, id, timestamp, "{}")).join(" ") };
    const { parameters } = document.components;
    expect(Object.values(parameters).map(({ name }) => name)).toEqual(Object.keys(sent));
    for (const { name, schema, example } of Object.values(parameters)) {
      const validate = ajv.compile(schema);
      expect([validate(example), validate(sent[name]), validate("")]).toEqual([true, true, false]);
    }
  });
});
