/** The published document and the server take and refuse the same requests, but for differences that are few, named and told to whoever reads the document. */
import { readFileSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { agree, type Known, type Subject, type Tally, tallyOf, weigh } from "./schema-agreement/agreement.js";
import { bodiesOf } from "./schema-agreement/bodies.js";
import { otherForms, unsaid } from "./schema-agreement/forms.js";
import { namedRules } from "./schema-agreement/named-rules.js";
import { queriesOf } from "./schema-agreement/queries.js";
import { createBench, namingKeywords, ownKeywords } from "./schema-agreement/schema.js";
import { describedBy, type Document, type Door, openDoor, type Surface, surfaceOf } from "./schema-agreement/surface.js";

/** Requests for each body and each query string; `npm run fuzz:schema` tries 10,000 of either. */
const asked = process.env["FUZZ_REQUESTS"];
const requestsOf = { body: Number(asked ?? 250), query: Number(asked ?? 60) };
const seed = Number(process.env["FUZZ_SEED"] ?? 20_261_104);
/** Where to write what was found, for a program to read. */
const reportFile = process.env["FUZZ_REPORT"];
const timeoutMs = 30_000 + requestsOf.body * 30;

const names = ["parapet", "awkward"] as const;
const surfaces = Object.fromEntries(await Promise.all(names.map(async (name) => [name, await surfaceOf(name)] as const))) as Record<(typeof names)[number], Surface>;
const subjectsOf = (surface: Surface): Subject[] => {
  const bench = createBench(surface.document);
  return [...bodiesOf(surface, bench), ...queriesOf(surface, bench)];
};

/** How the two may differ on requests to Parapet itself: less than on a contract that has everything. */
const ofParapet: readonly Known[] = ["null", "proto-name", "number", "name-twice", "unpaired-surrogate", "number-range", "time-range", "own-keyword", "named-rule"];

const doors = {} as Record<(typeof names)[number], Door>;
beforeAll(async () => {
  for (const name of names) doors[name] = await openDoor(surfaces[name]);
});
const tallies: Tally[] = [];
afterAll(async () => {
  if (reportFile !== undefined) writeFileSync(reportFile, JSON.stringify(tallies.map((tally) => ({ ...tally, known: Object.fromEntries(tally.known) }))));
  await Promise.all(names.map((name) => doors[name]?.close()));
});

describe.each(names)("of %s", (name) => {
  const surface = surfaces[name];
  const isNamed = namedRules(surface);
  const subjects = subjectsOf(surface);

  test("every operation is tried, with its body or its query string", () => {
    const tried = new Set(subjects.map(({ operation }) => operation));
    const raw = surface.bound.filter(({ operation }) => operation.requestBody?.content["*/*"] !== undefined);
    expect(surface.bound.filter((bound) => !tried.has(bound.operation.operationId) && !raw.includes(bound))).toEqual([]);
  });

  test.each(subjects.map((subject) => [`${subject.operation} ${subject.part}`, subject] as const))(
    "%s",
    async (_name, subject) => {
      const requests = requestsOf[subject.part];
      const tally = await agree(surface.model, doors[name], subject, requests, seed, isNamed);
      tallies.push(tally);
      expect(tally.disagreements.slice(0, 5)).toEqual([]);
      // Requests that are all taken or all refused would show nothing.
      expect(tally.accepted).toBeGreaterThan(requests / 10);
      expect(tally.accepted).toBeLessThan(requests);
      if (name === "parapet") expect([...tally.known.keys()].filter((reason) => !ofParapet.includes(reason))).toEqual([]);
    },
    timeoutMs,
  );
});

/** One request for each difference: where it goes, and whether the server takes what the schema does not, or the other way round. */
const differences: readonly (readonly [Known, string, string, "taken" | "refused"])[] = [
  ["null", "Object_Delete", '{"constructor":"c","function":null}', "taken"],
  ["null", "RoutesService_PatchItem", '{"owner":null,"name":"n"}', "taken"],
  ["proto-name", "ShapesService_Store", '{"needed":"n","an_int32":"x"}', "refused"],
  ["proto-name", "DocumentService_AddBatch", '{"collection":"c","documents":[{"key":"k","create_only":1}]}', "refused"],
  ["number", "ShapesService_Store", '{"needed":"n","anInt32":"7"}', "taken"],
  ["number", "ShapesService_Store", '{"needed":"n","anInt64":7}', "taken"],
  ["number", "ShapesService_Store", '{"needed":"n","anInt64":"1e2"}', "taken"],
  ["enum-number", "ShapesService_Store", '{"needed":"n","colour":2}', "taken"],
  ["enum-number", "ShapesService_Store", '{"needed":"n","colour":77}', "taken"],
  ["enum-number", "ShapesService_Store", '{"needed":"n","nothing":0}', "taken"],
  ["unknown-enum-name", "ShapesService_Store", '{"needed":"n","colour":"COLOUR_BLUE"}', "taken"],
  ["enum-number", "BoundsService_Keep", '{"listed":{"size":5}}', "taken"],
  ["minus-zero", "BoundsService_Keep", '{"needed":{"text":"t","octets":"AA==","truth":true,"number":1,"long":"1","share":-0,"size":"SIZE_SMALL","list":["a"],"map":{"a":1},"maybe":"","wrapped":"0","thing":{},"behavingText":"t","behavingNumber":1,"behavingLong":"1","behavingList":[{}],"behavingMaybe":false}}', "taken"],
  ["spelling", "BoundsService_Keep", '{"listed":{"wait":"1.50s"}}', "taken"],
  ["spelling", "BoundsService_Keep", '{"listed":{"octets":"-_8"}}', "taken"],
  ["spelling", "BoundsService_Keep", '{"listed":{"moment":"2001-09-09T03:46:40+02:00"}}', "taken"],
  ["spelling", "BoundsService_Keep", '{"known":{"few":{"@type":"x/google.protobuf.Empty"}}}', "taken"],
  ["float", "BoundsService_Keep", '{"numbers":{"floatOnly":0.10000000149011612}}', "taken"],
  ["name-twice", "DocumentService_Get_postV1Get", '{"collection":"c","key":"a","key":"b"}', "refused"],
  ["name-twice", "DocumentService_Import", '{"key":"k","meta":{"":[],"":[]}}', "refused"],
  ["unpaired-surrogate", "DocumentService_Get_postV1Get", String.raw`{"collection":"c","key":"\ud800"}`, "refused"],
  ["depth", "ShapesService_Grow", `${'{"branches":['.repeat(100)}{}${"]}".repeat(100)}`, "refused"],
  ["time-range", "ShapesService_Store", '{"needed":"n","duration":"315576000001s"}', "refused"],
  ["time-range", "ShapesService_Store", '{"needed":"n","moment":"0001-01-01T00:00:00+01:00"}', "refused"],
  ["number-range", "ShapesService_Store", '{"needed":"n","value":1e400}', "refused"],
  ["any-type", "ShapesService_Store", '{"needed":"n","any":{"@type":"type.googleapis.com/no.such.Type"}}', "refused"],
  ["any-type", "ShapesService_Store", '{"needed":"n","any":{"@type":"type.googleapis.com/google.protobuf.Duration","value":"1"}}', "refused"],
  ["together", "BoundsService_Ask", "oneText=a&oneNumber=1&long=1", "refused"],
  ["own-keyword", "DocumentService_Get_postV1Get", `{"collection":"c","key":"${"é".repeat(300)}"}`, "refused"],
  ["own-keyword", "SystemService_SetLimitOverride", '{"subject":"user:a","bucket":"api","requests":1,"lifetime":"86401s"}', "refused"],
  ["own-keyword", "BoundsService_Ask", "long=0", "refused"],
  ["named-rule", "BoundsService_Keep", '{"texts":{"ip":"1.2.3"}}', "refused"],
  ["named-rule", "BoundsService_Keep", '{"texts":{"loud":"no"}}', "refused"],
  ["named-rule", "BoundsService_Keep", '{"texts":{"ruled":"a"}}', "refused"],
];

describe("a difference that is known", () => {
  const subjects = names.flatMap((name) => subjectsOf(surfaces[name]).map((subject) => ({ name, subject, isNamed: namedRules(surfaces[name]) })));

  test.each(differences)("%s: %s %s is %s", async (reason, operation, text, verdict) => {
    const { name, subject, isNamed } = subjects.find(({ subject: { operation: id, part } }) => id === operation && (part === "body") === text.startsWith("{"))!;
    const [answer] = await doors[name].send([subject.request(text)]);
    const tally = tallyOf(subject);
    weigh(tally, subject, text, answer!, isNamed);
    expect(tally.disagreements).toEqual([]);
    expect([...tally.known.keys()]).toEqual([reason]);
    expect(answer!.accepted).toBe(verdict === "taken");
  });

  test("is shown above, each of them", () => {
    const all: string[] = [...Object.keys(otherForms), ...Object.keys(unsaid), "own-keyword", "named-rule"];
    expect(all.filter((reason) => !differences.some(([shown]) => shown === reason))).toEqual([]);
  });

  test("is told to whoever reads the document", () => {
    const page = readFileSync(new URL("../openapi/README.md", import.meta.url), "utf8").replaceAll(/\s+/g, " ");
    expect([...Object.values(otherForms), ...Object.values(unsaid)].filter((sentence) => !page.includes(sentence))).toEqual([]);
    expect([...Object.keys(ownKeywords), ...namingKeywords].filter((keyword) => !page.includes(`\`${keyword}\``))).toEqual([]);
  });
});

type Mutable = Record<string, unknown>;
const component = (document: Document, name: string): { properties: Record<string, Mutable> } & Mutable => document.components.schemas[name] as never;

/** Faults that a document could have, in both directions. */
const faults: readonly (readonly [string, string, (document: Document) => void])[] = [
  ["lacks a required property", "DocumentService_Add", (document) => void (component(document, "AddRequest")["required"] = ["collection"])],
  ["requires a property too many", "DocumentService_Add", (document) => void (component(document, "AddRequest")["required"] = ["collection", "key", "lang"])],
  ["lacks a type", "DocumentService_Search", (document) => void (component(document, "SearchRequest").properties["asc"] = {})],
  ["has a wrong type", "DocumentService_Search", (document) => void (component(document, "SearchRequest").properties["limit"] = { type: "string" })],
  ["lacks a bound", "DocumentService_Search", (document) => void delete component(document, "SearchRequest").properties["limit"]!["maximum"]],
  ["lacks a value", "DocumentService_Search", (document) => void (component(document, "SearchRequest").properties["sort"]!["enum"] = ["", "key"])],
  ["lacks a rule over two properties", "DocumentService_Search", (document) => void delete component(document, "SearchRequest")["not"]],
  ["lacks a bound in bytes", "DocumentService_Get_postV1Get", (document) => void delete component(document, "GetRequest").properties["key"]!["x-maxBytes"]],
  ["lacks a bound of a duration", "SystemService_SetLimitOverride", (document) => void delete component(document, "SetLimitOverrideRequest").properties["lifetime"]!["x-maximum"]],
  ["lacks a pattern", "SystemService_SetLimitOverride", (document) => void delete component(document, "SetLimitOverrideRequest").properties["subject"]!["pattern"]],
  ["closes an object", "AuthService_SetPermission", (document) => void (component(document, "SetPermissionRequest")["additionalProperties"] = false)],
  ["lacks the schema of items", "DocumentService_AddBatch", (document) => void delete component(document, "AddBatchRequest").properties["documents"]!["items"]],
  ["lacks the schema of values", "DocumentService_Add", (document) => void (component(document, "AddRequest").properties["meta"]!["additionalProperties"] = true)],
];

describe("a document is found out that", () => {
  test.each(faults)("%s (%s)", async (_what, operation, spoil) => {
    const { image, model, document } = surfaces.parapet;
    const spoilt = structuredClone(document);
    spoil(spoilt);
    const spoiltSurface = describedBy(image, model, spoilt);
    const subject = bodiesOf(spoiltSurface, createBench(spoilt)).find(({ operation: id }) => id === operation)!;
    const tally = await agree(model, doors.parapet, subject, 300, seed, namedRules(spoiltSurface));
    expect(tally.disagreements.length).toBeGreaterThan(0);
  });
});
