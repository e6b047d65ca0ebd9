/** Typed calls of methods whose whole request or response is a message of google.protobuf: what compiles here is what their users may write. */
import { createResult, createRuledClient, createStream } from "@parapet/sdk/rest/runtime";
import { createFakeServer } from "@parapet/sdk/testing";
import type { paths } from "../../sdk/generator/src/targets/openapi/golden/known.types.js";
import { Awkward, knownGreet, knownJoin, knownKeep, knownRows, knownSpell } from "../../sdk/generator/src/targets/typescript/golden/known/src/index.js";
import { methods } from "../../sdk/generator/src/targets/typescript/golden/known/src/methods.js";
import { operations, type OperationTypes } from "../../sdk/generator/src/targets/typescript/golden/known/src/operations.js";

/** The default layer. */
export async function bySdk({ known }: Awkward): Promise<unknown[]> {
  const long: string = await known.greet("text");
  const flag: boolean = await known.flip(true);
  const float: number | "NaN" | "Infinity" | "-Infinity" = await known.halve("-Infinity");
  const anything = await known.keep(null);
  const list = await known.sort([1, "a", null]);
  const moment: string = await known.round("2026-11-02T10:11:12Z");
  await known.ping();
  const pieces: string[] = [];
  for await (const piece of known.spell("ab")) pieces.push(piece);
  const outcome = await known.greet("text").result();
  // @ts-expect-error the request is text, not an object that holds it
  void (() => known.greet({ value: "text" }));
  // @ts-expect-error it cannot be left out
  void (() => known.greet());
  // @ts-expect-error 64 bits do not fit into a number
  void (() => known.count(1));
  // @ts-expect-error a list is no object
  void (() => known.sort({}));
  return [long, flag, float, anything, list.length, moment, pieces, outcome.ok && outcome.value];
}

/** The REST layer. */
export async function byRest(baseUrl: string): Promise<unknown[]> {
  const rest = createRuledClient<paths>({ baseUrl }, { operations, methods });
  const result = createResult<OperationTypes>();
  const { data: long } = await rest.POST("/v1/known/greet", { body: "text" });
  const text: string | undefined = long;
  const { data: inPath } = await rest.GET("/v1/known/greet/{value}", { params: { path: { value: "text" } } });
  const { data: inQuery } = await rest.GET("/v1/known/greet", { params: { query: { value: "text" } } });
  const kept = await result(rest, "post", "/v1/known/keep", { body: null });
  const nanos = await result(rest, "get", "/v1/known/round/{seconds}", { params: { path: { seconds: "1" }, query: { nanos: 1 } } });
  const moment: string | undefined = nanos.ok ? nanos.value : undefined;
  // @ts-expect-error the request is text
  void (() => rest.POST("/v1/known/greet", { body: { value: "text" } }));
  const pieces: string[] = [];
  for await (const piece of createStream<OperationTypes>()(rest, "post", "/v1/known/spell", { body: "ab" })) pieces.push(piece.toUpperCase());
  return [text, inPath, inQuery, kept.ok && kept.value, moment, pieces];
}

/** The testing layer. */
export async function byFake(): Promise<unknown[]> {
  const fake = createFakeServer()
    .on(knownGreet, (text) => String(text.length))
    .on(knownKeep, (value) => ({ got: value }))
    .on(knownSpell, (text) => text.split(""))
    .on(knownRows, () => [[1], []])
    .on(knownJoin, (texts) => texts.join("+"));
  // @ts-expect-error the response is text
  void (() => fake.on(knownGreet, () => ({ value: "5" })));
  const { known } = new Awkward({ baseUrl: "http://fake.example", fetch: fake.fetch });
  const pieces: string[] = [];
  for await (const piece of known.spell("ab")) pieces.push(piece);
  const rows: unknown[] = [];
  for await (const row of known.rows()) rows.push(row);
  return [await known.greet("text"), await known.keep(null), pieces, rows, await known.join(["a", "b"])];
}
