// A client made by Stainless in the battery.
import { drive } from "@parapet/battery/client";
import OpenAI from "openai";

await drive(({ url: baseURL, credential, token, timeoutMs }) => {
  const client = new OpenAI({ baseURL, apiKey: token ?? credential, ...(timeoutMs ? { timeout: timeoutMs } : {}) });
  const calls = {
    create: (options) => client.chat.completions.create({ model: "m", messages: [] }, options),
    read: (options) => client.models.retrieve("m", options),
  };
  return ({ call, signal }) => calls[call]({ signal });
});
