// Tests the reference documentation against goldens, and what must hold of every page.
import { posix } from "node:path";
import GithubSlugger from "github-slugger";
import { describe, expect, it } from "vitest";
import type { Model, OutputFile } from "../../model.js";
import { type ContractName, emitted, imageOf, imageOfFile, modelOf, modelOfFile } from "../../testing/contracts.js";
import { docsTarget } from "./emit.js";

/** A page without its blocks of code. */
function withoutCode(text: string): string {
  return text.replace(/^(`{3,})[^\n]*\n[\s\S]*?\n\1$/gm, "");
}

/** Anchors of a page, as GitHub makes them of its headings. */
function anchorsOf(text: string): string[] {
  const slugger = new GithubSlugger();
  return [...withoutCode(text).matchAll(/^#{1,6} (.*)$/gm)].map(([, title]) => slugger.slug(title!));
}

/** Links that lead nowhere. */
function deadLinks(files: readonly OutputFile[]): string[] {
  const anchors = new Map(files.map(({ path, content }) => [path, new Set(anchorsOf(content))]));
  return files.flatMap(({ path, content }) =>
    [...withoutCode(content).matchAll(/\]\((?!https:)([^)#]*)(?:#([^)]*))?\)/g)]
      .filter(([, file, anchor]) => !anchors.get(file === "" ? path : posix.join(posix.dirname(path), file!))?.has(anchor ?? ""))
      .map(([link]) => `${path}: ${link}`),
  );
}

/** The part of a page below a heading of the second level. */
function sectionOf(text: string, title: string): string {
  return new RegExp(`^## ${title}\n([\\s\\S]*?)(?=^## |(?![\\s\\S]))`, "m").exec(text)![1]!;
}

async function pagesOf(name: ContractName): Promise<{ model: Model; files: readonly OutputFile[] }> {
  return { model: await modelOf(name), files: emitted(docsTarget, await imageOf(name)) };
}

/** Pages of a model that a test has changed. */
async function pagesOfChanged(change: (model: Model) => Model): Promise<readonly OutputFile[]> {
  return docsTarget.emit(change(await modelOfFile("awkward", "rules.proto")), {}, await imageOf("awkward"));
}

describe("the pages", () => {
  it.each(["rules", "routes", "names", "shapes", "legacy", "webhooks", "known"])("of %s.proto are their goldens", async (name) => {
    for (const { path, content } of emitted(docsTarget, await imageOfFile("awkward", `${name}.proto`))) {
      // The reasons are Parapet's own unless a contract has others, the same for all.
      if (path !== "reasons.md" || name === "rules") await expect(content).toMatchFileSnapshot(`golden/${name}/${path}`);
    }
  });

  describe.each(["parapet", "awkward"] as const)("of %s", (name) => {
    it("link to places that exist", async () => {
      const { files } = await pagesOf(name);
      expect(files.flatMap(({ content }) => [...withoutCode(content).matchAll(/\]\(/g)]).length).toBeGreaterThan(100);
      expect(deadLinks(files)).toEqual([]);
    });

    it("are the same each time", async () => {
      expect((await pagesOf(name)).files).toEqual((await pagesOf(name)).files);
    });

    it("say of every method who may call it, what it spends, what is recorded, where it is, and how it refuses", async () => {
      const { model, files } = await pagesOf(name);
      for (const service of model.services) {
        const page = files.find(({ content }) => content.includes(`\n# ${service.name}\n`))!.content;
        for (const method of service.methods) {
          const section = sectionOf(page, method.name);
          const { access, limit, audit } = method.policy;
          const facts = [
            access.kind === "permission" ? `who holds \`${access.right}\` on` : access.kind === "public" ? "anybody" : "any principal",
            limit.kind === "exempt" ? "| limit | none |" : `[\`${limit.bucket}\`](README.md#${limit.bucket}), ${limit.cost} unit`,
            `\`${audit.action}\` on \`${audit.resource}\``,
            ...(method.policy.resume ? [`send the last \`${method.policy.resume.response}\` as \`${method.policy.resume.request}\``] : []),
            `\`/${method.fullName}\``,
            ...method.bindings.map(({ verb, template }) => `\`${verb} ${template}\``),
            ...method.reasons.filter(({ from }) => from !== "transport").map((reason) => `[\`${reason.name}\`](reasons.md#`),
            "```sh\nbuf curl --protocol grpc ",
            ...(method.bindings.length > 0 ? ["REST:\n\n```sh\n"] : []),
            ...(method.kind === "bidi_streaming" ? [] : ["TypeScript:\n\n```ts\n"]),
          ];
          expect(facts.filter((fact) => !section.includes(fact)), method.fullName).toEqual([]);
        }
      }
    });

    it("give every reason its status and its code", async () => {
      const { model, files } = await pagesOf(name);
      const page = files.find(({ path }) => path === "reasons.md")!.content;
      for (const reason of model.reasons) expect(sectionOf(page, reason.name)).toMatch(new RegExp(`HTTP ${reason.httpStatus} · gRPC \`[A-Z_]+\` \\(\\d+\\) · Connect \`${reason.code}\``));
    });
  });

  it("have the title, the address and the client's name that the options give", async () => {
    const files = emitted(docsTarget, await imageOf("awkward"), { title: "Zoo", server: "https://zoo.example/", facade: "Zoo" });
    const text = files.map(({ content }) => content).join("");
    expect(text).toContain("# Zoo\n");
    expect(text).toContain('const zoo = new Zoo({ baseUrl: "https://zoo.example"');
    expect(text).toContain("https://zoo.example/v1/check");
    expect(text).not.toContain("localhost:11023");
    // HTTP/2 is agreed on by TLS.
    expect(text).not.toContain("--http2-prior-knowledge");
  });

  it("show comments as they stand, whatever Markdown and HTML would make of them", async () => {
    const docs = "Takes <b>a|b</b> & `x|<y>`.\n# No heading\n---\nMore.";
    const [, page] = await pagesOfChanged((model) => ({
      ...model,
      services: model.services.map((service) => ({ ...service, methods: service.methods.map((method) => ({ ...method, docs })) })),
      messages: model.messages.map((message) => ({ ...message, fields: message.fields.map((field) => ({ ...field, docs })) })),
    }));
    expect(page!.content).toContain("\nTakes &lt;b>a|b&lt;/b> & `x|<y>`.\n\\# No heading\n\\---\nMore.\n");
    expect(page!.content).toContain("| `low` | int32 |  | Takes &lt;b>a\\|b&lt;/b> & `x\\|<y>`. # No heading --- More. |");
    const rows = withoutCode(page!.content).split("\n").filter((line) => line.startsWith("| `"));
    expect(new Set(rows.map((line) => line.split(/(?<!\\)\|/).length))).toEqual(new Set([5, 6]));
  });

  it("are one file a service, whatever services are called", async () => {
    const files = await pagesOfChanged((model) => {
      const [service] = model.services;
      const named = (name: string, from: string) => ({ ...service!, name, package: from, fullName: `${from}.${name}`, methods: [] });
      return { ...model, services: [named("Reasons", "a.v1"), named("Readme", "a.v1"), named("NotesService", "a.v1"), named("NotesService", "b.v1"), named("Other", "b.v1")] };
    });
    expect(files.map(({ path }) => path)).toEqual(["README.md", "a.v1.reasons.md", "a.v1.readme.md", "notes-service.md", "b.v1.notes-service.md", "other.md", "reasons.md"]);
    expect(deadLinks(files)).toEqual([]);
  });
});
