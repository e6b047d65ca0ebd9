/** A transport whose responses keep their secrets out of what `console.log` and `util.inspect` print. */
import type { Transport } from "@connectrpc/connect";
import type { Secrets } from "../runtime/method.js";
import { hideSecrets } from "../runtime/secrets.js";

/** Wraps a transport. `secrets`: those of the contract's generated `responses.ts`. */
export function createHidingTransport(inner: Transport, secrets: Secrets): Transport {
  return {
    async unary(desc, ...call) {
      const response = await inner.unary(desc, ...call);
      hide(response.message, secrets[desc.output.typeName]);
      return response;
    },
    async stream(desc, ...call) {
      const response = await inner.stream(desc, ...call);
      const hidden = secrets[desc.output.typeName];
      return hidden ? { ...response, message: hiding(response.message, hidden) } : response;
    },
  };
}

async function* hiding<T extends object>(messages: AsyncIterable<T>, secrets: readonly string[]): AsyncGenerator<T, void, undefined> {
  for await (const message of messages) {
    hide(message, secrets);
    yield message;
  }
}

function hide(message: object, secrets: readonly string[] | undefined): void {
  if (secrets) hideSecrets(message, { secrets });
}
