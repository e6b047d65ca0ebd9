/** An HTTP/1.1 proxy that makes a good server break one property: what mutants of the conformance suite are made of. */
import { Agent, createServer, request as send, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";

/** A request on its way to the server. Header names are in lower case and come one value each. */
export interface ProxiedRequest {
  verb: string;
  path: string;
  headers: [name: string, value: string][];
  body: Buffer;
}

/** An answer on its way back. */
export interface ProxiedResponse {
  status: number;
  headers: [name: string, value: string][];
  body: Buffer;
}

/** What breaks: either side may be changed in place, and a response that `request` returns is given without asking the server. */
export interface Tampering {
  request?(request: ProxiedRequest, tools: Tools): ProxiedResponse | undefined | void | Promise<ProxiedResponse | undefined | void>;
  response?(response: ProxiedResponse, request: ProxiedRequest, tools: Tools): void | Promise<void>;
}

/** What a tampering may use. */
export interface Tools {
  /** A token of the admin. */
  readonly adminToken: string;
  /** Asks the server itself. */
  forward(request: ProxiedRequest, source?: string): Promise<ProxiedResponse>;
}

/** A running proxy. */
export interface Proxy {
  readonly url: string;
  close(): void;
}

/** First value of a header. */
export function headerOf({ headers }: { readonly headers: readonly (readonly [string, string])[] }, name: string): string | undefined {
  return headers.find(([each]) => each === name)?.[1];
}

/** Takes a header away, and gives it another value if there is one. */
export function setHeader(message: { headers: [string, string][] }, name: string, value?: string): void {
  message.headers = message.headers.filter(([each]) => each !== name);
  if (value !== undefined) message.headers.push([name, value]);
}

/** Starts a proxy on a free port. Connections to the server come from the address that the caller used. */
export async function startProxy(target: { port: number; adminToken: string }, tampering: Tampering): Promise<Proxy> {
  const agent = new Agent({ keepAlive: true });
  const forward = (request: ProxiedRequest, source?: string): Promise<ProxiedResponse> => forwarded(target.port, agent, request, source);
  const tools: Tools = { adminToken: target.adminToken, forward };
  const server = createServer((incoming, outgoing) => {
    const answer = async (): Promise<void> => {
      const { remoteAddress = "127.0.0.1" } = incoming.socket;
      const request: ProxiedRequest = { verb: incoming.method ?? "GET", path: incoming.url ?? "/", headers: pairs(incoming), body: await bytesOf(incoming) };
      const response = (await tampering.request?.(request, tools)) ?? (await forward(request, remoteAddress));
      await tampering.response?.(response, request, tools);
      const headers = response.headers.filter(([name]) => !["connection", "keep-alive", "transfer-encoding", "content-length"].includes(name));
      outgoing.writeHead(response.status, [...headers, ["content-length", String(response.body.length)]].flat());
      outgoing.end(response.body);
    };
    answer().catch(() => outgoing.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => {
      server.closeAllConnections();
      server.close();
      agent.destroy();
    },
  };
}

function forwarded(port: number, agent: Agent, { verb, path, headers, body }: ProxiedRequest, source = "127.0.0.1"): Promise<ProxiedResponse> {
  return new Promise((resolve, reject) => {
    const kept = headers.filter(([name]) => !["connection", "content-length", "transfer-encoding"].includes(name));
    const length: [string, string][] = body.length > 0 || verb === "POST" || verb === "PUT" || verb === "PATCH" ? [["content-length", String(body.length)]] : [];
    const outgoing = send({ host: "127.0.0.1", port, agent, method: verb, path, headers: [...kept, ...length].flat(), setHost: false, localAddress: source });
    outgoing.on("error", reject);
    outgoing.on("response", (incoming) => {
      bytesOf(incoming).then((bytes) => resolve({ status: incoming.statusCode ?? 0, headers: pairs(incoming), body: bytes }), reject);
    });
    outgoing.end(body);
  });
}

function pairs({ rawHeaders }: IncomingMessage): [string, string][] {
  return rawHeaders.flatMap((name, index): [string, string][] => (index % 2 === 0 ? [[name.toLowerCase(), rawHeaders[index + 1]!]] : []));
}

async function bytesOf(incoming: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
