// Opens the documentation page of a real server in Chromium, reads every operation, calls some, and watches what leaves the page.
//
//   node tools/docs-page/run.mjs [--screenshots=DIR]

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";
import { createApp, loadConfig, silentLog } from "../../server/dist/index.js";

const here = fileURLToPath(new URL(".", import.meta.url));
const pictures = process.argv.find((argument) => argument.startsWith("--screenshots="))?.slice("--screenshots=".length);
const chromium = process.env.PARAPET_CHROMIUM ?? ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find((path) => existsSync(path));
const password = "documentation page";
const folder = mkdtempSync(join(tmpdir(), "parapet-docs-page-"));
const closers = [];

const results = [];
function check(what, faults, shown = "") {
  results.push(faults.length === 0);
  console.log(`${faults.length === 0 ? "held  " : "FAILED"}  ${what}${shown === "" ? "" : `: ${shown}`}`);
  for (const fault of faults) console.log(`          ${fault}`);
}
const unless = (holds, fault) => (holds ? [] : [fault]);

/** The reference server, and a token of its admin. */
async function start(more = {}) {
  const { config } = loadConfig({
    env: { PARAPET_ADDR: "127.0.0.1:0", PARAPET_STORE: "memory", PARAPET_KEY_DIR: join(folder, "keys"), PARAPET_AUTH_ADMIN_PASSWORD: password, PARAPET_RATE_LIMIT_REQUESTS: "10000", ...more },
    directory: folder,
  });
  const app = await createApp({ config, log: silentLog });
  closers.push(() => app.close());
  const origin = `http://127.0.0.1:${await app.listen()}`;
  const response = await fetch(`${origin}/v1/auth/login`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ username: "admin", password }) });
  return { origin, token: (await response.json()).token };
}

/** A page of a browser that is watched in everything it does. */
async function watchedPage() {
  const { chromium: browserType } = await import("playwright-core");
  const browser = await browserType.launch({
    executablePath: chromium,
    args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
  closers.unshift(() => browser.close());
  const context = await browser.newContext({ viewport: { width: 1400, height: 900 } });
  const seen = { requests: [], violations: [], messages: [] };
  context.on("request", (request) => seen.requests.push(request.url()));
  context.on("weberror", (error) => seen.messages.push(`thrown: ${error.error().message}`));
  context.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") seen.messages.push(`${message.type()}: ${message.text()} (${message.location().url})`);
  });
  await context.exposeFunction("sawViolation", (violation) => seen.violations.push(violation));
  await context.addInitScript(() => document.addEventListener("securitypolicyviolation", (event) => window.sawViolation(`${event.effectiveDirective} blocked ${event.blockedURI} ${event.sample}`)));
  return { page: await context.newPage(), seen };
}

/** Every operation of the published document, with the id that the page gives it. */
async function operationsOf(origin) {
  const { paths } = await (await fetch(`${origin}/openapi.json`)).json();
  return Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item).map(([verb, { summary, tags }]) => ({ verb, path, summary, id: `tag/${tags[0].toLowerCase()}/${verb.toUpperCase()}${path}` })),
  );
}

/** The button of an operation that opens the page's client. */
const tester = (page, { id, verb, path }) => page.locator(`[id$="/${id}"]`).locator("button", { hasText: "Test Request" }).filter({ hasText: `(${verb} ${path})` });

const plain = (text) => text.replaceAll("`", "").replace(/\s+/g, " ");

/** Goes to an operation as its link does; returns what is missing there. */
async function read(page, operation) {
  const { verb, path, summary, id } = operation;
  const name = `${verb.toUpperCase()} ${path}`;
  if ((await page.locator(`a[href="#${id}"]`).count()) === 0) return [`${name}: no link to it`];
  await page.locator(`a[href="#${id}"]`).first().click();
  try {
    await tester(page, operation).waitFor({ timeout: 15_000 });
  } catch {
    return [`${name}: not rendered`];
  }
  const text = plain(await page.locator(`[id$="/${id}"]`).innerText());
  return [summary, "Responses", path].filter((part) => !text.includes(plain(part))).map((part) => `${name}: lacks ${JSON.stringify(part)}`);
}

/** Goes to every webhook of a document that the page is given instead of its own; returns what is missing there. */
async function readWebhooks(page, origin) {
  const document = parse(readFileSync(join(here, "../../sdk/generator/src/targets/openapi/golden/webhooks.openapi.yaml"), "utf8"));
  await page.route("**/openapi.json", (route) => route.fulfill({ json: document }));
  await page.goto(`${origin}/docs`);
  const faults = [];
  for (const [event, { post }] of Object.entries(document.webhooks)) {
    const link = page.locator("a[href*='/webhook/POST/']").filter({ hasText: plain(post.summary) }).first();
    await link.waitFor({ timeout: 15_000 });
    const id = (await link.getAttribute("href")).slice(1);
    await link.click();
    const section = page.locator(`[id$="/${id}"]`);
    await section.getByText("webhook-signature").first().waitFor({ timeout: 15_000 }).catch(() => faults.push(`${event}: its headers are not rendered`));
    const text = await section.innerText();
    faults.push(...[event, "webhook-id", "webhook-timestamp", "timestamp", "data", "410"].filter((part) => !text.includes(part)).map((part) => `${event}: lacks ${JSON.stringify(part)}`));
  }
  await page.unroute("**/openapi.json");
  return { faults, count: Object.keys(document.webhooks).length };
}

/** Calls an operation through the page's own client. Returns the server's answer, and what the page shows of it. */
async function call(page, operation, { token, picture } = {}) {
  await page.locator(`a[href="#${operation.id}"]`).first().click();
  await tester(page, operation).click();
  const client = page.getByRole("dialog").filter({ has: page.getByRole("button", { name: "Close Client" }) });
  await client.waitFor();
  if (token !== undefined) await client.locator("input[placeholder=Token], [placeholder=Token]").first().fill(token);
  const [response] = await Promise.all([
    page.waitForResponse((candidate) => new URL(candidate.url()).pathname.startsWith("/v1/"), { timeout: 15_000 }),
    client.getByRole("button", { name: /^Send/ }).first().click(),
  ]);
  await client.getByText(String(response.status())).first().waitFor({ timeout: 15_000 });
  const shown = await client.innerText();
  // The last part to be styled, by a style sheet of its own.
  const styled = await client.locator(".cm-scroller").first().evaluate((element) => getComputedStyle(element).display === "flex");
  if (pictures && picture) await page.screenshot({ path: join(pictures, picture) });
  await client.getByRole("button", { name: "Close Client" }).click();
  return { status: response.status(), url: response.url(), body: await response.text(), shown, styled };
}

/** Everything that outlives the page, as one text. */
function kept(page) {
  return page.evaluate(async () => {
    const texts = [...[localStorage, sessionStorage].map((storage) => JSON.stringify(Object.entries(storage))), document.cookie, location.href, JSON.stringify(history.state)];
    for (const { name } of await indexedDB.databases()) {
      const database = await new Promise((resolve, reject) => {
        const request = indexedDB.open(name);
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error);
      });
      for (const store of database.objectStoreNames) {
        const rows = await new Promise((resolve) => (database.transaction(store).objectStore(store).getAll().onsuccess = (event) => resolve(event.target.result)));
        texts.push(`${name}.${store}: ${JSON.stringify(rows)}`);
      }
      database.close();
    }
    for (const name of await caches.keys()) texts.push(name);
    return texts.join("\n");
  });
}

async function drive({ origin, token }) {
  const { page, seen } = await watchedPage();
  const operations = await operationsOf(origin);
  const find = (verb, path) => operations.find((each) => each.verb === verb && each.path === path);
  const me = find("get", "/v1/auth/me");

  await page.goto(`${origin}/docs`);
  await page.locator(`a[href="#${me.id}"]`).first().waitFor({ timeout: 30_000 });
  if (pictures) await page.screenshot({ path: join(pictures, "page.png") });
  const faults = [];
  for (const operation of operations) faults.push(...(await read(page, operation)));
  check("every operation is there to read", [...unless(operations.length > 40, "the document has too few"), ...faults], `${operations.length} operations`);

  const without = await call(page, me, { picture: "without-token.png" });
  check("a call without a token is refused", [...unless(without.status === 401, `status ${without.status} from ${without.url}`), ...unless(without.shown.includes("CREDENTIAL_MISSING"), `shown: ${without.shown}`)], `${without.status} ${without.url}`);

  const answered = await call(page, me, { token, picture: "with-token.png" });
  check("the same call with a token is answered", [...unless(answered.status === 200, `status ${answered.status}`), ...unless(JSON.parse(answered.body).username === "admin", answered.body), ...unless(answered.shown.includes('"admin"'), `shown: ${answered.shown}`)], `${answered.status} ${answered.url}`);

  check("and it looks as it should", unless(without.styled && answered.styled, "the style sheets have no effect"));

  const added = await call(page, find("post", "/v1/add"), { picture: "added.png" });
  check("a change is made with the example as its body", unless(added.status === 200 && JSON.parse(added.body).revision === 1, `status ${added.status}: ${added.body}`), `${added.status} ${added.url}`);
  const there = await fetch(`${origin}/v1/collections/collection/documents/key?lang=lang`, { headers: { authorization: `Bearer ${token}` } });
  check("and the server has it", unless(there.status === 200, `status ${there.status}`));

  await page.getByRole("button", { name: /Open Search/ }).click();
  await page.keyboard.type("checksum");
  await page.getByRole("option").first().waitFor({ timeout: 15_000 });
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: /dark mode/i }).first().click();
  if (pictures) await page.screenshot({ path: join(pictures, "dark.png") });

  const secrets = [token, token.split(".")[2]];
  const remains = await kept(page);
  check("nothing that outlives the page holds the token", secrets.filter((secret) => remains.includes(secret)).map(() => remains), `${remains.length} characters looked through`);
  await page.reload();
  await page.locator(`a[href="#${me.id}"]`).first().waitFor({ timeout: 30_000 });
  const after = await call(page, me);
  check("a page that is loaded again has forgotten it", unless(after.status === 401, `status ${after.status}`), String(after.status));

  const open = await start({ PARAPET_AUTH_ENABLED: "false" });
  await page.goto(`${open.origin}/docs`);
  await page.locator(`a[href="#${me.id}"]`).first().waitFor({ timeout: 30_000 });
  const local = await call(page, me);
  check("where authentication is off, a call needs no token", unless(local.status === 200, `status ${local.status}: ${local.body}`), String(local.status));

  const posted = await readWebhooks(page, origin);
  check("every webhook of a document that has some is there to read", [...unless(posted.count > 3, "the document has too few"), ...posted.faults], `${posted.count} webhooks`);

  // What the page was told about its calls is no fault of the page.
  const messages = seen.messages.filter((message) => !/status of 401 .*\/v1\/auth\/me\)$/.test(message));
  check("no request left the origin", seen.requests.filter((url) => ![origin, open.origin].some((own) => url.startsWith(`${own}/`)) && !url.startsWith("data:")), `${seen.requests.length} requests`);
  check("nothing was against the page's policy", seen.violations);
  check("the console is silent", messages);
}

try {
  if (chromium === undefined) throw new Error("no Chromium found: install it, or name it in PARAPET_CHROMIUM");
  if (!existsSync(join(here, "node_modules/playwright-core"))) {
    const { status, stderr } = spawnSync("npm", ["ci", "--no-audit", "--no-fund"], { cwd: here, encoding: "utf8" });
    if (status !== 0) throw new Error(`npm ci failed:\n${stderr}`);
  }
  if (pictures) mkdirSync(pictures, { recursive: true });
  await drive(await start());
} catch (error) {
  results.push(false);
  console.error(error);
} finally {
  for (const close of closers) await close();
  rmSync(folder, { recursive: true, force: true });
}
console.log(`\n${results.filter(Boolean).length} passed, ${results.filter((held) => !held).length} failed`);
process.exit(results.length > 0 && results.every(Boolean) ? 0 : 1);
