/** A transport whose responses keep their secrets out of what `console.log` and `util.inspect` print. */
import type { Transport } from "@connectrpc/connect";
import { methods } from "../gen/methods.js";
import type { Method } from "../runtime/method.js";
import { hideSecrets } from "../runtime/secrets.js";

/** Wraps a transport. No stream of the contract carries secrets. */
export function createHidingTransport(inner: Transport): Transport {
  return {
    async unary(desc, ...rest) {
      const response = await inner.unary(desc, ...rest);
      const method = (methods as Readonly<Record<string, Method>>)[`${desc.parent.typeName}/${desc.name}`];
      if (method?.secrets) hideSecrets(response.message, method);
      return response;
    },
    stream: inner.stream.bind(inner),
  };
}
