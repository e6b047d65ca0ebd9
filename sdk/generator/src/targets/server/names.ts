/** Names in the files of a server: those that protoc-gen-es gives to descriptors, and those of the handlers. */
import { posix } from "node:path";
import type { Image } from "../../image.js";
import type { Model, Service } from "../../model.js";
import { keepersOf } from "../../precedence.js";
import { kebabCase } from "../kebab-case.js";

/** A service with the names that its files use. */
export interface Named {
  readonly service: Service;
  /** Name of the descriptor that protoc-gen-es exports. */
  readonly descriptor: string;
  /** Name by which files import it. */
  readonly alias: string;
  /** Name of the object of handlers. */
  readonly local: string;
  /** File of the handlers, without its ending. */
  readonly file: string;
  /** Module of the descriptor, seen from the target's folder. */
  readonly module: string;
}

/** Words behind which protoc-gen-es puts a `$` (safeIdentifier of @bufbuild/protoplugin): no name can be one of them. */
const words: ReadonlySet<string> = new Set(
  `break case catch class const continue debugger default delete do else export extends false finally for function if import in
  instanceof new null return super switch this throw true try typeof var void while with yield enum implements interface let
  package private protected public static Object bigint number boolean string object globalThis Uint8Array Partial`.split(/\s+/),
);
/** What the files name otherwise, or must not name anew. */
const ours: readonly string[] = ["services", "router", "create", "fromJson", "drained", "ServiceImpl", "ServiceRegistrar", "AsyncIterable", "Promise", "arguments", "await", "eval"];

/** The names of every service, each unique whatever the contract calls its services. */
export function namesOf(model: Model, messages: string, image: Image): Named[] {
  // Some file systems know no case, and a file that is a person's must not get another name.
  const keepers = keepersOf(model.services, ({ name }) => kebabCase(name));
  const taken = new Set([...words, ...ours]);
  const files = new Set<string>();
  return model.services.map((service) => {
    // Two services of one name are told apart by their packages.
    const full = keepers.has(service) ? service.name : service.fullName.split(".").map(upperFirst).join("");
    const source = image.registry.getService(service.fullName)!.file.name;
    return {
      service,
      descriptor: words.has(service.name) ? `${service.name}$` : service.name,
      alias: take(upperFirst(full), taken),
      local: take(full[0]!.toLowerCase() + full.slice(1), taken),
      file: take(kebabCase(full), files),
      module: posix.join(messages, `${source}_pb.js`),
    };
  });
}

function take(wanted: string, taken: Set<string>): string {
  let name = wanted;
  while (taken.has(name)) name += "_";
  taken.add(name);
  return name;
}

function upperFirst(text: string): string {
  return text[0]!.toUpperCase() + text.slice(1);
}
