/** Two servers around one service whose handlers behave as a table says; they differ in nothing but the executor of unary calls. */
import type { ServiceImpl } from "@connectrpc/connect";
import { DocumentService } from "@parapet/contract/parapet/document/v1/document_service_pb";
import { routes } from "@parapet/contract/rest/routes";
import type { AuditFacts } from "../../server/src/audit/sink.js";
import { CredentialKind } from "../../server/src/call.js";
import { createParapet } from "../../server/src/parapet.js";
import { ADMIN, everyCollection } from "../../server/src/policy/rights.js";
import { createHttp1Line, type Http1Line } from "./http1-line.js";
import { createHttp2Line, type Http2Line } from "./http2-line.js";
import { createMask, type Mask } from "./observe.js";
import { executors } from "./pair.js";

/** One of the two servers, with what it recorded. */
export interface HandlerSide {
  readonly executor: (typeof executors)[number];
  readonly port: number;
  readonly h1: Http1Line;
  readonly h2: Http2Line;
  readonly mask: Mask;
  /** Every record, in the order in which they were made. */
  readonly facts: readonly AuditFacts[];
  /** The first record of a request, as soon as there is one. */
  recorded(requestId: string): Promise<AuditFacts>;
  close(): Promise<void>;
}

/** What the service does: its handlers, some of them. */
export type Handlers = Partial<ServiceImpl<typeof DocumentService>>;

/** Starts both. `handlersOf` is asked once for each, so that what handlers share stays within one server. */
export async function openHandlers(handlersOf: (executor: HandlerSide["executor"]) => Handlers): Promise<readonly [HandlerSide, HandlerSide]> {
  const [connectEs, fast] = await Promise.all(executors.map((executor) => open(executor, handlersOf(executor))));
  return [connectEs!, fast!];
}

async function open(executor: HandlerSide["executor"], handlers: Handlers): Promise<HandlerSide> {
  const facts: AuditFacts[] = [];
  const watchers = new Set<() => void>();
  const parapet = createParapet({
    services: (router) => router.service(DocumentService, handlers),
    rest: routes,
    identity: { authenticate: () => Promise.reject(new Error("nobody signs in here")) },
    everybody: { principal: { id: "usr_1", name: "one", tenant: "t", admin: true, grants: new Map([[everyCollection, ADMIN]]) }, credential: { kind: CredentialKind.NONE, id: "" } },
    audit: {
      write(record) {
        facts.push(record);
        for (const look of watchers) look();
        return Promise.resolve();
      },
    },
    limiter: null,
    pseudonymKey: new Uint8Array(32),
    tenant: "t",
    unary: executor,
  });
  const port = await parapet.listen({ hosts: ["127.0.0.1"], port: 0 });
  const h1 = createHttp1Line(port);
  const h2 = createHttp2Line(port);
  return {
    executor,
    port,
    h1,
    h2,
    mask: createMask(),
    facts,
    recorded: (requestId) =>
      new Promise((resolve) => {
        const look = (): void => {
          const found = facts.find((record) => record.requestId === requestId);
          if (found === undefined) return;
          watchers.delete(look);
          resolve(found);
        };
        watchers.add(look);
        look();
      }),
    async close() {
      h1.close();
      h2.close();
      await parapet.close(1_000);
    },
  };
}
