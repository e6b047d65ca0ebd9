/** What generated code and its users need of the runtime. */
export { bytesToBase64, base64ToBytes } from "./base64.js";
export { Call, type Finish, type Result, unary } from "./call.js";
export { type Client, type ClientOptions, createClient, type Fetch, type HeadersInput } from "./client.js";
export { type Clock, systemClock } from "./clock.js";
export type { Code } from "./codes.js";
export type { Token, TokenSource } from "./credentials.js";
export type { ErrorDetail, FieldViolation, OtherDetail, QuotaViolation } from "./details.js";
export { type ClientReason, type ErrorFacts, ParapetError } from "./error.js";
export type { CallOptions, Outcome, ResponseInfo } from "./execute.js";
export { type AttemptEnd, type AttemptStart, combineHooks, type Hooks } from "./hooks.js";
export type { AnyMessage, Base64, Duration, FieldMask, Float, Int64, JsonObject, JsonValue, Timestamp, UnknownEnum } from "./json.js";
export type { Listing, Method, Operation, Paging, Resume, Rule, Secrets } from "./method.js";
export { paged, Paged } from "./paged.js";
export { Pages } from "./pages.js";
export type { RetryBudgetOptions } from "./retry-budget.js";
export { hideSecrets } from "./secrets.js";
export { clientStream, type Messages, serverStream, ServerStream } from "./stream.js";
