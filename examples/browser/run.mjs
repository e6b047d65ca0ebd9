// Builds the page with the packed SDK, serves it from another origin, and drives it in Chromium against a real server.

import { spawn, spawnSync } from "node:child_process";
import { createHmac } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL(".", import.meta.url));
const root = fileURLToPath(new URL("../..", import.meta.url));
const once = process.argv.includes("--once");
const picture = process.argv.find((argument) => argument.startsWith("--screenshot="))?.slice("--screenshot=".length);
const chromium = process.env.PARAPET_CHROMIUM ?? ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find((path) => existsSync(path));
const secret = "0123456789abcdef0123456789abcdef";
const folder = mkdtempSync(join(tmpdir(), "parapet-browser-"));
const closers = [];

function run(command, args, cwd) {
  const { status, stderr } = spawnSync(command, args, { cwd, encoding: "utf8" });
  if (status !== 0) throw new Error(`${command} ${args.join(" ")} failed:\n${stderr}`);
}

/** Installs what only this example needs, and the SDK as a stranger gets it: from its tarball. */
function install() {
  run("npm", ["ci", "--no-audit", "--no-fund"], here);
  run("npm", ["pack", "--workspace", "gen", "--workspace", "sdk/typescript", "--pack-destination", folder, "--ignore-scripts"], root);
  for (const file of readdirSync(folder).filter((name) => name.endsWith(".tgz"))) {
    const name = file.includes("sdk") ? "sdk" : "contract";
    const target = join(here, "node_modules/@parapet", name);
    mkdirSync(target, { recursive: true });
    run("tar", ["-xzf", join(folder, file), "-C", target, "--strip-components=1"], here);
  }
}

async function startServer(origin) {
  const child = spawn(process.execPath, [join(root, "sdk/cli/bin/parapet.js"), "serve"], {
    env: { ...process.env, PARAPET_ADDR: "127.0.0.1:0", PARAPET_DATA_DIR: join(folder, "data"), PARAPET_KEY_DIR: join(folder, "keys"), PARAPET_AUTH_ADMIN_PASSWORD: "browser example", PARAPET_AUTH_JWT_SECRET: secret, PARAPET_CORS_ORIGINS: origin },
    stdio: ["ignore", "ignore", "pipe"],
  });
  closers.push(() => child.kill());
  return new Promise((resolve, reject) => {
    let text = "";
    child.stderr.setEncoding("utf8").on("data", (chunk) => {
      text += chunk;
      const found = /listening on (http:\/\/\S+)/.exec(text);
      if (found) resolve(found[1]);
    });
    child.once("exit", () => reject(new Error(`the server did not start:\n${text}`)));
  });
}

/** Set-up that is not what the page is about, over REST. */
async function prepare(server) {
  const post = async (path, body, token) => {
    const response = await fetch(`${server}${path}`, { method: "POST", headers: { "content-type": "application/json", ...(token && { authorization: `Bearer ${token}` }) }, body: JSON.stringify(body) });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return response.json();
  };
  const login = async (username, password) => (await post("/v1/auth/login", { username, password })).token;
  const admin = await login("admin", "browser example");
  for (let part = 0; part < 4; part++) {
    const documents = Array.from({ length: 100 }, (_, i) => ({ key: part + i === 0 ? "a" : `d${String(part * 100 + i).padStart(4, "0")}`, contentMd: `# ${part}-${i}\n${"text ".repeat(2_000)}` }));
    await post("/v1/add-batch", { collection: "browser", documents }, admin);
  }
  for (const [username, right] of [["reader", "read"], ["hasty", "read"], ["editor", "write"]]) {
    await post("/v1/auth/register", { username, password: "browser example" }, admin);
    await post("/v1/auth/permissions", { username, collection: "browser", read: true, write: right === "write" }, admin);
  }
  return { reader: await login("reader", "browser example"), hasty: await login("hasty", "browser example"), expired: expire(await login("editor", "browser example")) };
}

/** The same token with a time that has passed, signed by the same secret. */
function expire(token) {
  const [head, claims] = token.split(".");
  const past = { ...JSON.parse(Buffer.from(claims, "base64url").toString()), iat: 1_700_000_000, exp: 1_700_003_600 };
  const body = `${head}.${Buffer.from(JSON.stringify(past)).toString("base64url")}`;
  return `${body}.${createHmac("sha256", secret).update(body).digest("base64url")}`;
}

const results = [];
function check(what, holds, shown = "") {
  results.push(holds);
  console.log(`${holds ? "held  " : "FAILED"}  ${what}${shown === "" ? "" : `: ${shown}`}`);
}

async function drive(origin, server, tokens) {
  const { chromium: browserType } = await import("playwright-core");
  const browser = await browserType.launch({
    executablePath: chromium,
    args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
  closers.unshift(() => browser.close());
  const page = await browser.newPage();
  await page.goto(`${origin}/?server=${encodeURIComponent(server)}`);
  const said = () => page.locator("#said").textContent();
  const saying = async (pattern) => {
    await page.waitForFunction((source) => new RegExp(source).test(document.getElementById("said").textContent), pattern.source, { timeout: 30_000 });
    return (await said()).trim().split("\n").at(-1);
  };
  const clear = () => page.evaluate(() => (document.getElementById("said").textContent = ""));
  const probe = async (name, argument, pattern) => {
    await clear();
    await page.evaluate(([what, value]) => window.probe(what, value), [name, argument]);
    return saying(pattern);
  };

  await page.fill("#username", "editor");
  await page.fill("#password", "browser example");
  await page.click("#login button");
  check("logs in and lists", /logged in; \d+ documents/.test(await saying(/logged in|[A-Z_]+:/)), await said().then((text) => text.trim()));
  check("no token is kept by the browser", await page.evaluate(() => localStorage.length + sessionStorage.length + document.cookie.length === 0));

  await clear();
  await page.fill("#key", "note");
  await page.fill("#text", "# Written in a browser");
  await page.click("#save");
  check("edits", (await saying(/saved|[A-Z_]+:/)).startsWith("saved note, revision 1"), (await said()).trim());
  if (picture) await page.screenshot({ path: picture });

  await clear();
  await page.click("#follow");
  await saying(/first: /);
  const early = await said();
  check("the first message of a stream is there before the last", early.includes("first: ") && !early.includes("followed"));
  check("follows a stream to its end", /followed 40[01]/.test(await saying(/followed \d+|stopped/)), (await said()).trim().split("\n").at(-1));
  await clear();
  await page.click("#follow");
  await saying(/first: /);
  await page.click("#stop");
  check("a stream can be stopped", /stopped after \d+/.test(await saying(/stopped|followed/)), (await said()).trim().split("\n").at(-1));
  await clear();
  await page.click("#follow");
  check("and followed again", /followed 40[01]/.test(await saying(/followed \d+/)));

  check("401 has its reason", (await probe("anonymous", "", /:/)).startsWith("CREDENTIAL_MISSING"), (await said()).trim());
  check("403 has its reason", (await probe("asUser", tokens.reader, /:/)).startsWith("PERMISSION_MISSING"), (await said()).trim());
  check("429 has its reason", (await probe("burst", tokens.hasty, /:|never/)).startsWith("RATE_LIMITED"), (await said()).trim());
  check("a 5 MB upload with an expired token sees its reason", (await probe("upload", tokens.expired, /:/)).startsWith("TOKEN_EXPIRED"), (await said()).trim());
  check("Google's grpc-web client reads the same document", (await probe("google", "", /google|unexpected/)).startsWith("google: # 0-0"), (await said()).trim().slice(0, 200));

  const foreign = await browser.newPage();
  await foreign.goto(`${origin.replace("localhost", "127.0.0.1")}/?server=${encodeURIComponent(server)}`);
  await foreign.evaluate(() => window.probe("anonymous", ""));
  const refused = await foreign.locator("#said").textContent();
  check("a wrong origin reads nothing", !refused.includes("CREDENTIAL_MISSING") && refused.trim() !== "", refused.trim());
}

try {
  if (chromium === undefined) throw new Error("no Chromium found: install it, or name it in PARAPET_CHROMIUM");
  install();
  const { build, preview } = await import("vite");
  const settings = { root: here, configFile: false, logLevel: "warn" };
  await build({ ...settings, build: { outDir: join(folder, "site"), emptyOutDir: true } });
  const site = await preview({ ...settings, build: { outDir: join(folder, "site") }, preview: { port: 0, host: "0.0.0.0" } });
  closers.push(() => site.close());
  const origin = `http://localhost:${site.httpServer.address().port}`;
  const server = await startServer(origin);
  const tokens = await prepare(server);
  await drive(origin, server, tokens);
  if (!once) {
    console.log(`\nthe page: ${origin}/?server=${encodeURIComponent(server)} (editor / "browser example"); Ctrl+C ends it`);
    await new Promise((resolve) => process.once("SIGINT", resolve));
  }
} catch (error) {
  results.push(false);
  console.error(error);
} finally {
  for (const close of closers) await close();
  rmSync(folder, { recursive: true, force: true });
}
console.log(`\n${results.filter(Boolean).length} passed, ${results.filter((held) => !held).length} failed`);
process.exit(results.every(Boolean) ? 0 : 1);
