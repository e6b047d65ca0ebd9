/** Clients of the awkward contracts over connect-es and openapi-fetch under the SDK's rules, made of what was generated for these layers: what compiles here is what their users may write. */
import type { Message } from "@bufbuild/protobuf";
import type { Transport } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-web";
import { createPaginate, createResult, createTransport, withResponse } from "@parapet/sdk/connect/runtime";
import { createPaginate as createRestPaginate, createResult as createRestResult, createRuledClient, createStream } from "@parapet/sdk/rest/runtime";
import type { paths as RoutesPaths } from "../../sdk/generator/src/targets/openapi/golden/routes.types.js";
import type { paths as RulesPaths } from "../../sdk/generator/src/targets/openapi/golden/rules.types.js";
import { methods as routesMethods } from "../../sdk/generator/src/targets/typescript/golden/routes/src/methods.js";
import { operations as routesOperations, type OperationTypes as RoutesTypes } from "../../sdk/generator/src/targets/typescript/golden/routes/src/operations.js";
import { rules as routesRules } from "../../sdk/generator/src/targets/typescript/golden/routes/src/rules.js";
import { methods as rulesMethods } from "../../sdk/generator/src/targets/typescript/golden/rules/src/methods.js";
import { operations as rulesOperations, type OperationTypes as RulesTypes } from "../../sdk/generator/src/targets/typescript/golden/rules/src/operations.js";
import { listings, type ReasonsByResponse } from "../../sdk/generator/src/targets/typescript/golden/rules/src/responses.js";
import { rules } from "../../sdk/generator/src/targets/typescript/golden/rules/src/rules.js";

/** How requests are sent: tests break connections here. */
export type Send = (request: Request) => Promise<Response>;

const clientOptions = { retries: 3, backoff: { baseMs: 1, capMs: 1 }, retryBudget: { ratio: 10 } };

/** A transport of both contracts. */
export function transportOf(baseUrl: string, send: Send): Transport {
  return createTransport({ ...clientOptions, baseUrl, fetch: (url, init) => send(new Request(url, init)) }, createConnectTransport, { ...rules, ...routesRules });
}

/** Messages as protobuf-es would generate them. */
type ListRequest = { pageSize?: number; pageToken?: string };
type ListResponse = Message<"awkward.v1.ListChecksResponse"> & { checks: { status: string }[]; nextPageToken: string };
type CheckResponse = Message<"awkward.v1.CheckResponse"> & { status: string };

/** The part of a client that is called. */
export interface RulesClient {
  listChecks(request: ListRequest): Promise<ListResponse>;
  check(request: { name: string }): Promise<CheckResponse>;
}

const paginate = createPaginate(listings);
const result = createResult<ReasonsByResponse>();

/** Calls of a connect-es client. */
export const overConnect = {
  async *statuses({ listChecks, check }: RulesClient): AsyncGenerator<string> {
    // @ts-expect-error what does not page
    void (() => paginate(check, { name: "n" }));
    // @ts-expect-error a field that the request has not
    void (() => paginate(listChecks, { name: "n" }));
    for await (const { status } of paginate(listChecks, { pageSize: 2 })) yield status;
  },
  async check({ check }: RulesClient): Promise<number> {
    const got = await result(check, { name: "n" });
    // @ts-expect-error not a reason of this contract
    if (!got.ok && got.error.reason === "ETAG_LOST") return -1;
    return got.ok ? got.response.attempts : got.error.attempts;
  },
  listed: ({ listChecks }: RulesClient) => withResponse(listChecks, {}),
};

/** Calls of an openapi-fetch client. */
export function overRest(baseUrl: string, fetch: Send) {
  const checks = createRuledClient<RulesPaths>({ ...clientOptions, baseUrl, fetch }, { operations: rulesOperations, methods: rulesMethods });
  const routes = createRuledClient<RoutesPaths>({ ...clientOptions, baseUrl, fetch }, { operations: routesOperations, methods: routesMethods });
  const pages = createRestPaginate(rulesOperations);
  const outcome = createRestResult<RulesTypes>();
  const stream = createStream<RoutesTypes>();
  return {
    async *statuses(): AsyncGenerator<string | undefined> {
      // @ts-expect-error what does not page
      void (() => pages(checks, "post", "/v1/check", { body: {} as never }));
      for await (const { status } of pages(checks, "get", "/v1/checks", { params: { query: { pageSize: 2 } } })) yield status;
    },
    async *watched(): AsyncGenerator<string | undefined> {
      // @ts-expect-error raw bytes are no messages
      void (() => stream(routes, "get", "/v1/download"));
      for await (const { id } of stream(routes, "get", "/v1/watch")) yield id;
    },
    listed: () => outcome(checks, "get", "/v1/checks"),
  };
}
