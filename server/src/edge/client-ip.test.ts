/** A call comes from the last address that no trusted proxy stands behind, whatever its caller writes into headers. */
import { describe, expect, it } from "vitest";
import { startTestServer } from "../testing/start.js";
import { createClientIp, parseProxies } from "./client-ip.js";

const trusted = ["10.0.0.0/8", "fd00::/8", "192.0.2.1", "2001:db8:7::/64", "2001:db8:8::1"];

describe("behind trusted proxies", () => {
  it.each([
    ["nothing is said", [], "10.0.0.1"],
    ["one hop", ["203.0.113.9"], "203.0.113.9"],
    ["what the caller itself claimed", ["198.51.100.1, 203.0.113.9"], "203.0.113.9"],
    ["proxies of one's own", ["198.51.100.1, 203.0.113.9, 10.1.2.3 , 192.0.2.1"], "203.0.113.9"],
    ["a neighbour of a proxy", ["203.0.113.9, 192.0.2.2"], "192.0.2.2"],
    ["proxies alone", ["10.9.9.9, 10.1.1.1"], "10.9.9.9"],
    ["several lines", ["198.51.100.1", "203.0.113.9", "10.1.1.1"], "203.0.113.9"],
    ["IPv6", ["2001:DB8::1, fd00::7"], "2001:db8::1"],
    ["brackets", ["[2001:db8::1]"], "2001:db8::1"],
    ["a zone", ["fe80::1%eth0"], "fe80::1"],
    ["an IPv4 address in IPv6", ["::ffff:203.0.113.9, ::FFFF:10.1.1.1"], "203.0.113.9"],
    ["a port", ["203.0.113.9:8080"], "10.0.0.1"],
    ["no address", ["203.0.113.9, unknown"], "10.0.0.1"],
    ["no address behind a proxy", ["203.0.113.9, _hidden, 10.1.1.1"], "10.1.1.1"],
    ["an address that cannot be", ["203.0.113.999"], "10.0.0.1"],
    ["half of two brackets", ["[2001:db8::1"], "10.0.0.1"],
    ["the other half", ["[2001:db8::1], a2001:db8::1]"], "10.0.0.1"],
    ["an empty hop", ["203.0.113.9,"], "10.0.0.1"],
  ])("%s", (_, forwardedFor, address) => {
    const ignored: string[] = [];
    expect(createClientIp(trusted, (peer) => ignored.push(peer))("10.0.0.1", forwardedFor)).toBe(address);
    expect(ignored).toEqual([]);
  });

  it.each([
    ["10.255.0.1", true],
    ["::ffff:10.0.0.1", true],
    ["fd12::1", true],
    ["192.0.2.1", true],
    ["192.0.2.2", false],
    ["2001:db8:7::9", true],
    ["2001:db8:7:1::9", false],
    ["2001:db8:8::1", true],
    ["2001:db8:8::2", false],
    ["11.0.0.1", false],
    ["fe00::1", false],
  ])("%s is one: %s", (peer, isTrusted) => {
    expect(createClientIp(trusted, () => {})(peer, ["203.0.113.9"])).toBe(isTrusted ? "203.0.113.9" : peer);
  });

  it("each call is its own peer's", () => {
    const addressOf = createClientIp(trusted, () => {});
    expect(["10.0.0.1", "11.0.0.1", "11.0.0.1", "10.0.0.1"].map((peer) => addressOf(peer, ["203.0.113.9"]))).toEqual(["203.0.113.9", "11.0.0.1", "11.0.0.1", "203.0.113.9"]);
  });
});

describe("an untrusted peer", () => {
  it.each([["where some are trusted", trusted], ["where none is", []]])("is believed nothing, and told of once: %s", (_, proxies) => {
    const ignored: string[] = [];
    const addressOf = createClientIp(proxies, (peer) => ignored.push(peer));
    expect(addressOf("198.51.100.1", [])).toBe("198.51.100.1");
    expect(ignored).toEqual([]);
    for (const peer of ["198.51.100.1", "198.51.100.2"]) expect(addressOf(peer, ["203.0.113.9"])).toBe(peer);
    expect(ignored).toEqual(["198.51.100.1"]);
  });
});

describe("a caller over a Unix socket", () => {
  it("is on this machine, and believed where that is trusted", () => {
    expect(createClientIp([], () => {})(undefined, ["203.0.113.9"])).toBe("127.0.0.1");
    expect(createClientIp(["127.0.0.1"], () => {})(undefined, ["203.0.113.9"])).toBe("203.0.113.9");
  });
});

describe("a list of proxies", () => {
  it.each(["10.0.0.0/33", "fd00::/129", "10.0.0.0/x", "10.0.0.0/", "proxy.example", ""])("does not have %j", (entry) => {
    expect(() => parseProxies(["10.0.0.1", entry])).toThrow(`not an address or CIDR block: ${entry}`);
  });
});

it("the log of a server names the caller, and not the proxy that it trusts", async () => {
  const server = await startTestServer({ PARAPET_TRUSTED_PROXIES: "127.0.0.0/8" });
  const headers = { "x-forwarded-for": "198.51.100.1, 203.0.113.9" };
  const login = await fetch(`${server.url}/v1/auth/login`, { method: "POST", headers, body: JSON.stringify({ username: server.adminUser, password: server.adminPassword }) });
  const { token } = (await login.json()) as { token: string };
  const log = await fetch(`${server.url}/v1/audit?action=auth.login`, { headers: { authorization: `Bearer ${token}` } });
  expect(await log.json()).toMatchObject({ records: [{ clientIp: "203.0.113.9" }] });
  await server.close();
});
