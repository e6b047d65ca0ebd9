/** Makes calls of the contract over any protocol, alike for the caller. */
import type { JsonValue } from "@bufbuild/protobuf";
import type { ContractMethod } from "../contract.js";
import { connectGet, connectJson, connectProto } from "./connect.js";
import { grpcWeb, grpcWebText } from "./grpc-web.js";
import { grpc } from "./grpc.js";
import { rest } from "./rest.js";
import type { Transport } from "./transport.js";
import { type CallOptions, type CallResult, type Codec, type Encoding, type HttpRequest, type HttpResponse, type Variant } from "./wire.js";

const codecs: Readonly<Record<Encoding, Codec>> = {
  "grpc": grpc,
  "grpc-web": grpcWeb,
  "grpc-web-text": grpcWebText,
  "connect-proto": connectProto,
  "connect-json": connectJson,
  "connect-get": connectGet,
  "rest": rest,
};

/** Counts what was sent. */
export interface Traffic {
  requests: number;
}

/** Makes calls. */
export interface WireClient {
  /** Makes one call. Rejects with NoAnswer if no whole answer comes; a refusal is a result like any other. */
  call(variant: Variant, method: ContractMethod, request: JsonValue, options?: CallOptions): Promise<CallResult>;
  /** Makes one HTTP exchange that is no call of the contract. */
  http(request: Partial<HttpRequest> & Pick<HttpRequest, "path">): Promise<HttpResponse>;
  readonly transport: Transport;
  readonly traffic: Traffic;
}

/** True where the protocol can carry the method at all: GET carries unary calls without side effects, REST those with a binding. */
export function carries({ encoding }: Variant, { desc, sideEffects, bindings }: ContractMethod): boolean {
  if (encoding === "connect-get") return desc.methodKind === "unary" && !sideEffects;
  if (encoding === "rest") return bindings.length > 0;
  return true;
}

/** Creates a client. `timeoutMs` bounds each call that does not say otherwise, `requestsMax` all of them together. */
export function createWireClient(transport: Transport, timeoutMs: number, requestsMax: number): WireClient {
  const traffic: Traffic = { requests: 0 };
  const spend = (): void => {
    if (++traffic.requests > requestsMax) throw new Error(`the ceiling of ${requestsMax} requests is reached`);
  };
  return {
    transport,
    traffic,
    http: async (request) => {
      spend();
      return await transport.exchange({ verb: "GET", headers: [], body: undefined, http: "h1", source: undefined, timeoutMs, ...request });
    },
    call: async (variant, method, request, options = {}) => {
      const codec = codecs[variant.encoding];
      const encoded = codec.encode(method, request, options);
      spend();
      const sentAtMs = performance.now();
      const http = await transport.exchange({ ...encoded, http: variant.http, source: options.source, timeoutMs: options.timeoutMs ?? timeoutMs });
      const receivedAtMs = performance.now();
      return { variant, http, sentAtMs, receivedAtMs, ...codec.decode(method, http) };
    },
  };
}
