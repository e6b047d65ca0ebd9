/** Carries HTTP exchanges over HTTP/1.1 and HTTP/2 with Node's own clients, from any local address. */
import { type ClientRequest, Agent as HttpAgent, request as httpRequest } from "node:http";
import { type ClientHttp2Session, connect as http2Connect, constants } from "node:http2";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { connect as netConnect, type Socket } from "node:net";
import { connect as tlsConnect } from "node:tls";
import { fromHttp2Headers, fromRawHeaders } from "./fields.js";
import { type HttpRequest, type HttpResponse, NoAnswer } from "./wire.js";

/** Where the deployment is. */
export interface Target {
  /** What requests name: host and port. */
  readonly authority: string;
  readonly hostname: string;
  /** The one address that all connections go to. */
  readonly address: string;
  readonly port: number;
  readonly tls: boolean;
  /** PEM certificates to trust, instead of the system's. */
  readonly ca: string | undefined;
}

/** Makes exchanges. */
export interface Transport {
  /** Rejects with NoAnswer if no whole response comes. */
  exchange(request: HttpRequest): Promise<HttpResponse>;
  /** A bare connection, for bytes that no client would send. */
  open(source?: string): Socket;
  close(): void;
}

/** Creates a transport that keeps its connections. */
export function createTransport(target: Target): Transport {
  const agents = new Map<string, HttpAgent | HttpsAgent>();
  const sessions = new Map<string, ClientHttp2Session>();

  function agentFor(source: string | undefined): HttpAgent | HttpsAgent {
    const key = source ?? "";
    let agent = agents.get(key);
    if (agent === undefined) {
      agent = target.tls
        ? new HttpsAgent({ keepAlive: true, ca: target.ca, servername: target.hostname, ALPNProtocols: ["http/1.1"] })
        : new HttpAgent({ keepAlive: true });
      agents.set(key, agent);
    }
    return agent;
  }

  function sessionFor(source: string | undefined): ClientHttp2Session {
    const key = source ?? "";
    const kept = sessions.get(key);
    if (kept !== undefined && !kept.closed && !kept.destroyed) return kept;
    const session = http2Connect(`${target.tls ? "https" : "http"}://${target.authority}`, { createConnection: () => openSocket(target, source, ["h2"]) });
    // Errors reach the streams; without a listener they would end the process.
    session.on("error", () => sessions.delete(key));
    session.on("close", () => {
      if (sessions.get(key) === session) sessions.delete(key);
    });
    session.on("goaway", () => sessions.delete(key));
    session.unref();
    sessions.set(key, session);
    return session;
  }

  return {
    exchange: (request) => (request.http === "h1" ? overHttp1(target, agentFor(request.source), request) : overHttp2(sessionFor(request.source), target, request)),
    open: (source) => openSocket(target, source, ["http/1.1"]),
    close: () => {
      for (const agent of agents.values()) agent.destroy();
      for (const session of sessions.values()) session.destroy();
    },
  };
}

function openSocket(target: Target, source: string | undefined, alpn: string[]): Socket {
  const where = { host: target.address, port: target.port, ...(source === undefined ? {} : { localAddress: source }) };
  return target.tls ? tlsConnect({ ...where, servername: target.hostname, ca: target.ca, ALPNProtocols: alpn }) : netConnect({ ...where, noDelay: true });
}

function overHttp1(target: Target, agent: HttpAgent | HttpsAgent, request: HttpRequest): Promise<HttpResponse> {
  return new Promise((resolve, reject) => {
    const headers: string[] = ["Host", target.authority];
    for (const [name, value] of request.headers) headers.push(name, value);
    // Verbs that announce no body by themselves would get chunked coding from Node.
    if (request.body !== undefined) headers.push("Content-Length", String(request.body.length));
    const send = target.tls ? httpsRequest : httpRequest;
    const outgoing: ClientRequest = send({
      host: target.address, port: target.port, agent, method: request.verb, path: request.path, headers, setHost: false,
      ...(request.source === undefined ? {} : { localAddress: request.source }),
    });
    const refuse = (error: NodeJS.ErrnoException | NoAnswer) => {
      clearTimeout(timer);
      outgoing.destroy();
      reject(asNoAnswer(error));
    };
    const timer = setTimeout(() => refuse(new NoAnswer(`no whole answer within ${request.timeoutMs} ms`, false)), request.timeoutMs);
    let answered = false;
    outgoing.on("error", (error) => {
      // A server may answer and close while we still send (RFC 9112 section 9.6): then the answer counts.
      if (!answered) refuse(error);
    });
    outgoing.on("response", (incoming) => {
      answered = true;
      const chunks: Buffer[] = [];
      incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
      incoming.on("error", refuse);
      incoming.on("end", () => {
        clearTimeout(timer);
        resolve({
          status: incoming.statusCode ?? 0,
          headers: fromRawHeaders(incoming.rawHeaders),
          trailers: fromRawHeaders(incoming.rawTrailers),
          body: Buffer.concat(chunks),
        });
      });
    });
    outgoing.end(request.body);
  });
}

function overHttp2(session: ClientHttp2Session, target: Target, request: HttpRequest): Promise<HttpResponse> {
  return new Promise((resolve, reject) => {
    const headers: Record<string, string | string[]> = {
      ":method": request.verb,
      ":path": request.path,
      ":scheme": target.tls ? "https" : "http",
      ":authority": target.authority,
    };
    for (const [name, value] of request.headers) {
      const before = headers[name];
      headers[name] = before === undefined ? value : Array.isArray(before) ? [...before, value] : [before, value];
    }
    if (request.body !== undefined) headers["content-length"] = String(request.body.length);
    let stream;
    try {
      stream = session.request(headers, { endStream: request.body === undefined });
    } catch (error) {
      reject(asNoAnswer(error as Error));
      return;
    }
    let settled = false;
    const settle = (end: () => void) => {
      if (settled) return;
      settled = true;
      clearTimeout(timer);
      end();
    };
    const timer = setTimeout(() => {
      settle(() => reject(new NoAnswer(`no whole answer within ${request.timeoutMs} ms`, false)));
      stream.close(constants.NGHTTP2_CANCEL);
    }, request.timeoutMs);
    let status = 0;
    let fields: HttpResponse["headers"] = new Map();
    let trailers: HttpResponse["trailers"] = new Map();
    const chunks: Buffer[] = [];
    stream.on("response", (incoming) => {
      status = Number(incoming[":status"] ?? 0);
      fields = fromHttp2Headers(incoming);
    });
    stream.on("trailers", (incoming) => {
      trailers = fromHttp2Headers(incoming);
    });
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    let ended = false;
    const finish = () => settle(() => resolve({ status, headers: fields, trailers, body: Buffer.concat(chunks) }));
    stream.on("end", () => {
      ended = status !== 0;
      // Trailers, where there are any, arrive before the end; a server that refuses an upload then resets the stream (RFC 9113 section 8.1).
      if (ended) finish();
    });
    stream.on("error", (error) => (ended ? finish() : settle(() => reject(asNoAnswer(error)))));
    stream.on("close", () => (ended ? finish() : settle(() => reject(new NoAnswer(`stream closed with code ${stream.rstCode}`, false)))));
    if (request.body !== undefined) stream.end(request.body);
  });
}

const unreachableCodes = new Set(["ECONNREFUSED", "EHOSTUNREACH", "ENETUNREACH", "ENOTFOUND", "EADDRNOTAVAIL", "EINVAL"]);

function asNoAnswer(error: NodeJS.ErrnoException | NoAnswer): NoAnswer {
  if (error instanceof NoAnswer) return error;
  return new NoAnswer(error.code ?? error.message, unreachableCodes.has(error.code ?? ""));
}
