// The Connect layer of the Parapet SDK, as browsers have it, in the battery.
import { drive } from "@parapet/battery/client";
import { createParapetClient } from "@parapet/sdk/connect/web";

await drive(({ url: baseUrl, credential, token, timeoutMs }) => {
  const { documents } = createParapetClient({ baseUrl, protocol: "connect", ...(token ? { token } : { apiKey: credential }), ...(timeoutMs ? { timeoutMs } : {}) });
  const calls = { create: documents.add, read: documents.get };
  return ({ call, signal }) => calls[call]({ collection: "docs", key: "a" }, { signal });
});
