/** Paths between generated modules. */
import { posix } from "node:path";

/** Specifier by which one module imports another; both relative to the sources, without extension. */
export function relative(from: string, to: string): string {
  const path = posix.relative(posix.dirname(from), to);
  return `${path.startsWith(".") ? path : `./${path}`}.js`;
}
