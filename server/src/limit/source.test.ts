// Checks which addresses share a budget.
import { describe, expect, it } from "vitest";
import { sourceOf } from "./source.js";
import { accountSubject, sourceSubject, userSubject } from "./subject.js";

describe("the source of an address", () => {
  it.each([
    ["203.0.113.7", "203.0.113.7"],
    ["::ffff:203.0.113.7", "203.0.113.7"],
    ["::FFFF:cb00:7107", "203.0.113.7"],
    ["0:0:0:0:0:ffff:203.0.113.7", "203.0.113.7"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
    ["2001:DB8:1:2::9", "2001:db8:1:2::/64"],
    ["2001:db8:0001:0002::", "2001:db8:1:2::/64"],
    ["2001:db8::1", "2001:db8:0:0::/64"],
    ["::1", "0:0:0:0::/64"],
    ["::", "0:0:0:0::/64"],
    ["fe80::1%eth0", "fe80:0:0:0::/64"],
    ["64:ff9b::203.0.113.7", "64:ff9b:0:0::/64"],
  ])("of %s is %s", (address, source) => {
    expect(sourceOf(address)).toBe(source);
  });

  it.each(["", "localhost", "203.0.113", "203.0.113.07", "203.0.113.7:80", "[::1]", "1", "0x7f.1", "::ffff:203.0.113.256", " 203.0.113.7", "203.0.113.7, 198.51.100.1"])(
    "refuses %j",
    (text) => {
      expect(sourceOf(text)).toBeUndefined();
      expect(sourceSubject(text)).toBe("s:unknown");
    },
  );
});

describe("subjects", () => {
  it("keep users, sources and accounts apart and hold no name", () => {
    expect(userSubject("usr_1")).toBe("u:usr_1");
    expect(sourceSubject("::ffff:203.0.113.7")).toBe("s:203.0.113.7");
    expect(accountSubject("t", "alice")).toMatch(/^a:[\w-]{43}$/);
    expect(accountSubject("t", "alice")).not.toBe(accountSubject("t", "Alice"));
    expect(accountSubject("t", "alice")).not.toBe(accountSubject("u", "alice"));
  });
});
