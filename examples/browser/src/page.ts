/** The page: log in, list, edit, follow a stream; every refusal is shown by its reason. */
import { createParapetClient, ParapetError, type ParapetWebClient } from "@parapet/sdk/connect/web";
import { getWithGoogle } from "./google-client.ts";

const collection = "browser";
const baseUrl = new URLSearchParams(location.search).get("server") ?? "http://localhost:11023";
const element = <T extends HTMLElement>(id: string): T => document.getElementById(id) as T;
const said = element<HTMLOutputElement>("said");

/** The token lives here and nowhere else: a page that is left forgets it. */
let token = "";
const clientWith = (bearer: string): ParapetWebClient => createParapetClient({ baseUrl, protocol: "grpc-web", ...(bearer === "" ? {} : { token: () => bearer }) });
let client = clientWith("");

const say = (line: string): void => {
  said.textContent = `${said.textContent ?? ""}${line}\n`;
};

/** Runs an action and says how it ended. */
async function attempt(action: () => Promise<string>): Promise<void> {
  try {
    say(await action());
  } catch (error) {
    say(error instanceof ParapetError ? `${error.reason}: ${error.message}` : `unexpected: ${String(error)}`);
  }
}

async function list(): Promise<string> {
  const { documents } = await client.documents.search({ collection, sort: "key", asc: true });
  element("list").replaceChildren(
    ...documents.map(({ key, contentMd }) => {
      const item = document.createElement("li");
      item.textContent = key;
      item.onclick = () => {
        element<HTMLInputElement>("key").value = key;
        element<HTMLTextAreaElement>("text").value = contentMd;
      };
      return item;
    }),
  );
  return `${documents.length} documents`;
}

element<HTMLFormElement>("login").onsubmit = (event) => {
  event.preventDefault();
  void attempt(async () => {
    const answer = await client.auth.login({ username: element<HTMLInputElement>("username").value, password: element<HTMLInputElement>("password").value });
    token = answer.token;
    client = clientWith(token);
    element("work").hidden = false;
    element("login").hidden = true;
    return `logged in; ${await list()}`;
  });
};

element("save").onclick = () =>
  void attempt(async () => {
    const { document: saved } = await client.documents.add({ collection, key: element<HTMLInputElement>("key").value, contentMd: element<HTMLTextAreaElement>("text").value });
    await list();
    return `saved ${saved?.key}, revision ${saved?.revision}`;
  });

let following: AbortController | undefined;
element("stop").onclick = () => following?.abort();
element("follow").onclick = () =>
  void attempt(async () => {
    following = new AbortController();
    let count = 0;
    try {
      for await (const { document: one } of client.documents.export({ collection }, { signal: following.signal })) {
        count++;
        if (count === 1) {
          say(`first: ${one?.key}`);
          // The page is busy with the first one; what the server has not sent by now waits for it.
          await new Promise((resolve) => setTimeout(resolve, 50));
        }
      }
    } catch (error) {
      if (following.signal.aborted) return `stopped after ${count}`;
      throw error;
    }
    return `followed ${count}`;
  });

/** What the script that drives the page asks for by name. */
const probes: Readonly<Record<string, (argument: string) => Promise<string>>> = {
  anonymous: async () => String((await clientWith("").documents.get({ collection, key: "a" })).document?.key),
  asUser: async (bearer) => String((await clientWith(bearer).documents.add({ collection, key: "forbidden" })).document?.key),
  burst: async (bearer) => {
    const one = createParapetClient({ baseUrl, protocol: "grpc-web", token: () => bearer, retries: 0 } as Parameters<typeof createParapetClient>[0]);
    for (let i = 0; i < 200; i++) await one.documents.get({ collection, key: "a" }, { timeoutMs: 20_000 });
    return "never refused";
  },
  upload: async (expired) => String((await clientWith(expired).documents.add({ collection, key: "big", contentMd: "x".repeat(5_000_000) })).document?.key),
  google: async () => `google: ${(await getWithGoogle(baseUrl, token, collection, "a")).split("\n")[0]}`,
};

Object.assign(window, {
  probe: (name: string, argument: string) => attempt(() => probes[name]!(argument)),
});
