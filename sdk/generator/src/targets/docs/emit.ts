/** Target `docs`: reference documentation in Markdown, one page a service. */
import type { Model, OutputFile, Target } from "../../model.js";
import { kebabCase } from "../kebab-case.js";
import { keepersOf } from "../../precedence.js";
import { createNames } from "../typescript/names.js";
import { indexPage } from "./index-page.js";
import { renderPages } from "./pages.js";
import { reasonsPage } from "./reasons-page.js";
import { servicePage } from "./service-page.js";
import { typesOf } from "./types.js";
import { webhooksPage } from "./webhooks-page.js";

/** Writes `README.md`, `reasons.md`, a page for each service and, where something is posted, `webhooks.md`. */
export const docsTarget: Target = {
  name: "docs",
  summary: "README.md, reasons.md, a page for each service, webhooks.md: reference documentation in Markdown",
  options: {
    title: "title of README.md (default: Reference)",
    server: "address in the examples (default: http://localhost:11023)",
    facade: "name of the TypeScript client's class (default: what all packages begin with)",
  },
  emit: (model, options) => emit(model, options),
};

const indexFile = "README.md";
const reasonsFile = "reasons.md";
const webhooksFile = "webhooks.md";

function emit(model: Model, { title = "Reference", server = "http://localhost:11023", facade }: Readonly<Record<string, string>>): OutputFile[] {
  const context = { types: typesOf(model), names: createNames(model, [], new Set(), facade), server: server.replace(/\/+$/, "") };
  const files = filesOf(model);
  return renderPages([
    indexPage(model, indexFile, title, context),
    ...model.services.map((service) => servicePage(model, service, files.get(service.fullName)!, context)),
    reasonsPage(model, reasonsFile),
    ...(model.webhooks.length > 0 ? [webhooksPage(model, webhooksFile, context)] : []),
  ]);
}

/** A file for each service; services of one name say where they come from. Some file systems know no case. */
function filesOf({ services, webhooks }: Model): Map<string, string> {
  const own = new Set([indexFile, reasonsFile, ...(webhooks.length > 0 ? [webhooksFile] : [])].map((file) => file.toLowerCase()));
  const plain = ({ name }: { readonly name: string }): string => `${kebabCase(name)}.md`;
  const keepers = keepersOf(services, plain);
  return new Map(services.map((service) => [service.fullName, keepers.has(service) && !own.has(plain(service)) ? plain(service) : `${service.fullName.split(".").map(kebabCase).join(".")}.md`]));
}
