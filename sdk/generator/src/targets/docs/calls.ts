/** Example calls of a method: one a protocol, ready for a shell or a program. */
import type { Binding, Json, Method } from "../../model.js";
import type { Names } from "../typescript/names.js";
import { isCallable } from "../typescript/services.js";
import { snippetOf } from "../typescript/snippet.js";
import { fenced } from "./markdown.js";
import { restCallOf } from "./rest-call.js";
import { command, octal, piped, quoted } from "./shell.js";
import type { Types } from "./types.js";

/** What all calls share. */
export interface CallContext {
  readonly types: Types;
  readonly names: Names;
  /** Address of the server, without a slash at its end. */
  readonly server: string;
}

/** An example key; a caller makes a fresh one for each intent. */
const exampleKey = "0f8fad5b-d9cb-469f-a165-70867728950e";

/** The calls, each a block of Markdown with its title. */
export function callsOf(method: Method, context: CallContext): { readonly title: string; readonly block: string }[] {
  const request = method.examples.request ?? method.examples.minimal ?? {};
  const calls = [
    ...(method.bindings.length === 0 ? [] : [{ title: "REST", block: fenced("sh", curlOf(method, method.bindings[0]!, request, context)) }]),
    { title: "Connect", block: fenced("sh", connectOf(method, request, context)) },
    { title: "gRPC", block: fenced("sh", bufOf("grpc", method, request, context)) },
  ];
  if (!isCallable(method)) return calls;
  return [...calls, { title: "TypeScript", block: fenced("ts", snippetOf(method, context.names)) }];
}

/** A call of one of the REST bindings with curl. */
export function curlOf(method: Method, binding: Binding, request: Json, { types, server }: Pick<CallContext, "types" | "server">): string {
  const { target, body } = restCallOf(method, binding, request, types);
  const streams = method.kind === "server_streaming" ? ["-N"] : [];
  const verb = binding.verb === (body === undefined ? "GET" : "POST") ? [] : [`-X ${binding.verb}`];
  const curl = ["curl", ...streams, ...verb].join(" ");
  const url = quoted(`${server}${target}`);
  if (body === undefined) return command(curl, ...headersOf(method), url);
  const upload = (source: string, contentType: string): string => piped(source, curl, ...headersOf(method), header(`Content-Type: ${contentType}`), "--data-binary @-", url);
  if ("raw" in body) return upload(`printf ${quoted(octal(body.raw))}`, body.contentType);
  if (method.kind === "client_streaming") return upload(`printf '%s\\n' ${quoted(JSON.stringify(body.json))}`, "application/x-ndjson");
  return command(curl, ...headersOf(method), header("Content-Type: application/json"), `-d ${json(body.json)}`, url);
}

function connectOf(method: Method, request: Json, context: CallContext): string {
  const url = quoted(`${context.server}/${method.fullName}`);
  if (method.kind === "bidi_streaming") return bufOf("connect", method, request, context);
  if (method.kind === "unary") return command("curl", ...headersOf(method), header("Content-Type: application/json"), `-d ${json(request)}`, url);
  // Streams put five bytes ahead of each message: flags, and its length (connectrpc.com/docs/protocol, streaming).
  const text = JSON.stringify(request);
  const length = Buffer.byteLength(text);
  const prefix = octal([0, ...[24, 16, 8, 0].map((bits) => (length >>> bits) & 0xff)]);
  return piped(`printf '${prefix}%s' ${quoted(text)}`, "curl -N", ...headersOf(method), header("Content-Type: application/connect+json"), "--data-binary @-", url);
}

/** `buf curl` learns the schema from the server's reflection; over plain HTTP it must be told to speak HTTP/2. */
function bufOf(protocol: string, method: Method, request: Json, { server }: CallContext): string {
  const plain = server.startsWith("http:") ? " --http2-prior-knowledge" : "";
  return command(`buf curl --protocol ${protocol}${plain}`, ...headersOf(method), `-d ${json(request)}`, quoted(`${server}/${method.fullName}`));
}

function headersOf({ policy: { access, idempotencyKey } }: Method): string[] {
  return [...(access.kind === "public" ? [] : ['-H "Authorization: Bearer $TOKEN"']), ...(idempotencyKey === "required" ? [header(`Idempotency-Key: ${exampleKey}`)] : [])];
}

function header(text: string): string {
  return `-H ${quoted(text)}`;
}

/** On one line where it is short. */
function json(value: Json): string {
  const flat = JSON.stringify(value);
  return quoted(flat.length <= 80 ? flat : JSON.stringify(value, null, 2));
}
