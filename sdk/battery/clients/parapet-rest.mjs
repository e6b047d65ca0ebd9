// The REST layer of the Parapet SDK in the battery.
import { drive } from "@parapet/battery/client";
import { createRestClient, unwrap } from "@parapet/sdk/rest";

await drive(({ url: baseUrl, credential, token, timeoutMs }) => {
  const client = createRestClient({ baseUrl, ...(token ? { token } : { apiKey: credential }), ...(timeoutMs ? { timeoutMs } : {}) });
  const path = { collection: "docs", key: "a" };
  const calls = {
    create: (init) => client.POST("/v1/add", { ...init, body: path }),
    read: (init) => client.GET("/v1/collections/{collection}/documents/{key}", { ...init, params: { path } }),
  };
  return ({ call, signal }) => unwrap(calls[call]({ signal }));
});
