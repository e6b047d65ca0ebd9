/** What a broken server is to the conformance suite, and what such servers are made of. */
import { headerOf, type ProxiedRequest, type ProxiedResponse, setHeader, type Tampering } from "../tampering-proxy.js";

/** A JSON object. */
export type Json = { [name: string]: unknown };

/** A broken server: the requirement it breaks, how, and the protocols to look at. */
export interface Mutant {
  readonly id: string;
  readonly what: string;
  readonly tampering: () => Tampering;
  /** Default: Connect with JSON, and REST. */
  readonly protocols?: string;
  /** `usual`: of a server whose logins are limited as everywhere; else a source may log in as often as the runs of a file do. */
  readonly limits?: "usual";
}

/** The body of a message. */
export function jsonOf({ body }: { readonly body: Buffer }): Json {
  return JSON.parse(body.toString("utf8")) as Json;
}

/** Replaces the body of a message. */
export function setJson(message: { body: Buffer }, json: Json): void {
  message.body = Buffer.from(JSON.stringify(json));
}

/** An answer that no server was asked for. */
export function answer(status: number, json: Json, type = "application/json"): ProxiedResponse {
  return { status, headers: [["content-type", type]], body: Buffer.from(JSON.stringify(json)) };
}

/** Makes an answer the same as another. */
export function replace(response: ProxiedResponse, by: ProxiedResponse): void {
  Object.assign(response, copyOf(by));
}

/** An answer to keep: what happens to the first does not happen to it. */
export function copyOf(response: ProxiedResponse): ProxiedResponse {
  return { ...response, headers: [...response.headers] };
}

/** Makes a request the admin's. */
export function asAdmin(request: ProxiedRequest, adminToken: string): void {
  setHeader(request, "x-api-key");
  setHeader(request, "authorization", `Bearer ${adminToken}`);
}

/** A server that does whatever matches with the rights of the admin. */
export function byAdmin(matches: (request: ProxiedRequest) => boolean): Tampering {
  return { request: (request, { adminToken }) => void (matches(request) && asAdmin(request, adminToken)) };
}

/** True if the caller sent a credential. */
export const hasCredential = (request: ProxiedRequest): boolean => headerOf(request, "authorization") !== undefined || headerOf(request, "x-api-key") !== undefined;
/** True for a login. */
export const isLogin = ({ path }: ProxiedRequest): boolean => /login$/i.test(path);
/** True for the question who one is. */
export const isMe = ({ path }: ProxiedRequest): boolean => /auth\/me$|\/GetMe/.test(path);
/** True for a page of the log. */
export const isLog = ({ path }: ProxiedRequest): boolean => path.startsWith("/v1/audit") || path.endsWith("/ListAuditRecords");

/** Changes the records of a page of the log. */
export function onRecords(change: (records: Json[]) => Json[]): Tampering {
  return {
    response: (response, request) => {
      if (!isLog(request) || response.status !== 200) return;
      const page = jsonOf(response);
      setJson(response, { ...page, records: change((page["records"] ?? []) as Json[]) });
    },
  };
}

/** Gives every answer of one kind another status. */
export function status(from: number, to: number): Tampering {
  return { response: (response) => void (response.status = response.status === from ? to : response.status) };
}

/** Reads a part of a bearer token: 0 the header, 1 the claims; an empty object if it is none. */
export function tokenPart(request: ProxiedRequest, index: 0 | 1): Json {
  try {
    return JSON.parse(Buffer.from(bearerOf(request)!.split(".")[index]!, "base64url").toString("utf8")) as Json;
  } catch {
    return {};
  }
}

/** The bearer token of a request. */
export function bearerOf(request: ProxiedRequest): string | undefined {
  return headerOf(request, "authorization")?.split(" ")[1];
}
