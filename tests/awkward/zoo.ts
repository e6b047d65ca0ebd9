/** A server made of the awkward contracts: it notes what arrives and answers what it was told to. */
import { type DescMessage, type DescMethod, type DescService, fromJson, type JsonValue, type Message, type Registry, toJson } from "@bufbuild/protobuf";
import { CredentialKind } from "../../server/src/call.js";
import { createParapet } from "../../server/src/parapet.js";
import { ADMIN, everyCollection } from "../../server/src/policy/rights.js";
import { buildModel } from "../../sdk/generator/src/build/build-model.js";
import { routes as bounds } from "../../sdk/generator/src/targets/rest/golden/bounds.js";
import { routes as builtins } from "../../sdk/generator/src/targets/rest/golden/builtins.js";
import { routes as taken } from "../../sdk/generator/src/targets/rest/golden/taken.js";
import { routes as known } from "../../sdk/generator/src/targets/rest/golden/known.js";
import { routes as legacy } from "../../sdk/generator/src/targets/rest/golden/legacy.js";
import { routes as names } from "../../sdk/generator/src/targets/rest/golden/names.js";
import { routes } from "../../sdk/generator/src/targets/rest/golden/routes.js";
import { routes as rules } from "../../sdk/generator/src/targets/rest/golden/rules.js";
import { routes as shapes } from "../../sdk/generator/src/targets/rest/golden/shapes.js";
import { routes as webhooks } from "../../sdk/generator/src/targets/rest/golden/webhooks.js";
import { imageOf } from "../../sdk/generator/src/testing/contracts.js";

/** A running server. */
export interface Zoo {
  readonly baseUrl: string;
  readonly registry: Registry;
  /** A method by its name, `package.Service/Method`. */
  method(name: string): DescMethod;
  /** What the next call of a method is answered: one message, or those of a stream. Forgets what arrived. */
  answer(name: string, messages: readonly JsonValue[]): void;
  /** What arrived since then: the method, and its messages as ProtoJSON. */
  arrived(): { readonly method: string; readonly messages: readonly JsonValue[] };
  /** A message as JSON says it, read and written again: defaults left out, names and times in one form. */
  plain(desc: DescMessage, json: JsonValue): JsonValue;
  close(): Promise<void>;
}

/** Starts it. */
export async function openZoo(): Promise<Zoo> {
  const image = await imageOf("awkward");
  const model = buildModel(image);
  const { registry } = image;
  const services = model.services.map(({ fullName }) => registry.getService(fullName)!);
  const answers = new Map<string, readonly Message[]>();
  let arrived: { method: string; messages: JsonValue[] } = { method: "", messages: [] };

  const handlersOf = (service: DescService): Record<string, unknown> =>
    Object.fromEntries(
      service.methods.map((method) => {
        const name = `${service.typeName}/${method.name}`;
        const note = (message: Message): void => void arrived.messages.push(toJson(method.input, message, { registry }));
        const begin = (): void => void (arrived = { method: name, messages: [] });
        const all = async (messages: AsyncIterable<Message>): Promise<void> => {
          begin();
          for await (const message of messages) note(message);
        };
        const one = (message: Message): readonly Message[] => {
          begin();
          note(message);
          return answers.get(name)!;
        };
        const table: Record<DescMethod["methodKind"], unknown> = {
          unary: (message: Message) => one(message)[0],
          server_streaming: async function* (message: Message) {
            yield* one(message);
          },
          client_streaming: async (messages: AsyncIterable<Message>) => {
            await all(messages);
            return answers.get(name)![0];
          },
          bidi_streaming: async function* (messages: AsyncIterable<Message>) {
            await all(messages);
            yield* answers.get(name)!;
          },
        };
        return [method.localName, table[method.methodKind]];
      }),
    );

  const parapet = createParapet({
    services: (router) => services.forEach((service) => router.service(service, handlersOf(service))),
    rest: [...routes, ...shapes, ...names, ...rules, ...bounds, ...legacy, ...webhooks, ...known, ...builtins, ...taken],
    identity: { authenticate: () => Promise.reject(new Error("nobody signs in here")) },
    everybody: { principal: { id: "usr_1", name: "one", tenant: "t", admin: true, grants: new Map([[everyCollection, ADMIN]]) }, credential: { kind: CredentialKind.NONE, id: "" } },
    audit: { write: () => Promise.resolve() },
    limiter: null,
    buckets: Object.fromEntries(model.buckets.map(({ name, requests, burst, windowMs }) => [name, { name, algorithm: 1, requests, burst, windowMs }])),
    reflection: "off",
  });
  const port = await parapet.listen({ hosts: ["127.0.0.1"], port: 0 });
  const method = (name: string): DescMethod => {
    const [service, short] = name.split("/");
    return registry.getService(service!)!.methods.find((each) => each.name === short)!;
  };
  return {
    baseUrl: `http://127.0.0.1:${port}`,
    registry,
    method,
    answer(name, messages) {
      arrived = { method: "", messages: [] };
      answers.set(name, messages.map((json) => fromJson(method(name).output, json, { registry })));
    },
    arrived: () => arrived,
    plain: (desc, json) => toJson(desc, fromJson(desc, json, { registry }), { registry }),
    close: () => parapet.close(1_000),
  };
}
