// openapi-fetch in the battery.
import { drive, Unsupported } from "@parapet/battery/client";
import createClient from "openapi-fetch";

await drive(({ url: baseUrl, credential, token, timeoutMs }) => {
  if (token) throw new Unsupported("no token source");
  if (timeoutMs) throw new Unsupported("no time-out");
  const client = createClient({ baseUrl, headers: { authorization: `Bearer ${credential}` } });
  const calls = { create: (init) => client.POST("/v1/add", { ...init, body: { collection: "docs", key: "a" } }), read: (init) => client.GET("/v1/documents/a", init) };
  return async ({ call, signal }) => {
    const { error, response } = await calls[call]({ signal });
    // It returns refusals instead of throwing them.
    if (error !== undefined) throw Object.assign(new Error("refused"), { name: "Returned", status: response.status });
  };
});
