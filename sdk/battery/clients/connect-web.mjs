// connect-web in the battery.
import { drive, Unsupported } from "@parapet/battery/client";
import { createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-web";
import { DocumentService } from "@parapet/contract/parapet/document/v1/document_service_pb";

await drive(({ url: baseUrl, credential, token, timeoutMs }) => {
  if (token) throw new Unsupported("no token source");
  const client = createClient(DocumentService, createConnectTransport({ baseUrl, defaultTimeoutMs: timeoutMs }));
  const headers = { authorization: `Bearer ${credential}` };
  return ({ call, signal }) => (call === "create" ? client.add : client.get)({ collection: "docs", key: "a" }, { signal, headers });
});
