// The Parapet SDK in the battery.
import { drive } from "@parapet/battery/client";
import { createClient, documentsAdd, documentsGet } from "@parapet/sdk";

await drive(({ url: baseUrl, credential, token, timeoutMs }) => {
  const client = createClient({ baseUrl, ...(token ? { token } : { apiKey: credential }), ...(timeoutMs ? { timeoutMs } : {}) });
  const calls = { create: documentsAdd, read: documentsGet };
  return ({ call, signal }) => calls[call](client, { collection: "docs", key: "a" }, { signal });
});
