/** The bytes of a record are what they were when the first one was written, and hold whatever they are given. */
import { CredentialKind, Decision, Protocol, RecordPhase } from "@parapet/contract/parapet/audit/v1/audit_record_pb";
import { describe, expect, it } from "vitest";
import { auditDetailBytesMax, auditDetailsMax, userAgentBytesMax } from "../limits.js";
import { factsWith, noonNs } from "./fixtures.js";
import { cut, decodeRecord, encodeRecord, nanosecondsOf, personalOf } from "./record.js";

const place = { sequence: 300n, timeNs: noonNs, sealingKeyId: "usr_1", sealed: Uint8Array.of(1, 2, 3) };
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

describe("the bytes of a record", () => {
  // These may never change: they are the leaves of trees whose roots have been signed.
  it("with every field are frozen", () => {
    const facts = factsWith({
      credentialKind: CredentialKind.API_KEY,
      decision: Decision.DENY,
      outcomeCode: 7,
      reason: "PERMISSION_MISSING",
      protocol: Protocol.REST,
      notes: [
        { name: "b", value: "2" },
        { name: "a", value: "" },
      ],
      phase: RecordPhase.COUNTED,
      count: 70_000,
      distinctTargets: 12,
      targetSamples: [Uint8Array.of(0xaa, 0xbb), Uint8Array.of(0xcc)],
    });
    expect(hex(encodeRecord(facts, place))).toMatchInlineSnapshot(`"080110ac021a0808c0d490cd061001220764656661756c742a057573725f3130033a056a74692d31420c646f63756d656e742e6164644a2f706172617065742e646f63756d656e742e76312e446f63756d656e74536572766963652f416464446f63756d656e745220636f6c6c656374696f6e732f626c6f672f646f63756d656e74732f68656c6c6f5a04626c6f67620568656c6c6f6802720d7772697465206f6e20626c6f6778078201125045524d495353494f4e5f4d495353494e478801049201057265712d319a01203462663932663335373762333464613661336365393239643065306534373336a201057573725f31aa0103010203b201060a0162120132b201030a0161b80103c001f0a204c8010cd20102aabbd20101cc"`);
  });

  it("with the fewest fields are frozen", () => {
    const facts = factsWith({
      actorId: "",
      credentialKind: CredentialKind.UNSPECIFIED,
      credentialId: "",
      action: "",
      method: "",
      resource: "",
      collection: "",
      key: "",
      decision: Decision.UNSPECIFIED,
      rule: "",
      protocol: Protocol.UNSPECIFIED,
      requestId: "",
      traceId: "",
    });
    expect(hex(encodeRecord(facts, { sequence: 0n, timeNs: 0n, sealingKeyId: "", sealed: new Uint8Array() }))).toMatchInlineSnapshot(`"08011a00220764656661756c74"`);
  });

  it("hold the time to the nanosecond", () => {
    expect(nanosecondsOf(decodeRecord(encodeRecord(factsWith(), place)).time)).toBe(noonNs);
  });

  it("hold control, bidi and markup characters as they were given", () => {
    const key = 'a\r\nb\u0000\u202e"},{"x":1\u2028';
    const record = decodeRecord(encodeRecord(factsWith({ key, notes: [{ name: key, value: key }] }), place));
    expect([record.key, record.details[0]?.name, record.details[0]?.value]).toEqual([key, key, key]);
  });

  it("are made of text that is no text", () => {
    expect(decodeRecord(encodeRecord(factsWith({ key: "a\ud800b", tenant: "t\udfff" }), place))).toMatchObject({ key: "a\ufffdb", tenant: "t\ufffd" });
  });

  it("keep details in order, and stand for those that are too many", () => {
    const notes = Array.from({ length: auditDetailsMax + 10 }, (_, i) => ({ name: `n${i}`, value: `${i}` }));
    const { details } = decodeRecord(encodeRecord(factsWith({ notes }), place));
    expect(details).toHaveLength(auditDetailsMax);
    expect(details.slice(0, -1).map(({ name }) => name)).toEqual(notes.slice(0, auditDetailsMax - 1).map(({ name }) => name));
    expect(details.at(-1)).toMatchObject({ name: "details_cut", value: expect.stringMatching(/^11 details, sha256:[0-9a-f]{64}$/) });
    expect(decodeRecord(encodeRecord(factsWith({ notes: notes.slice(0, auditDetailsMax) }), place)).details.at(-1)?.name).toBe(`n${auditDetailsMax - 1}`);
  });

  it("that are no record are corrupt", () => {
    expect(() => decodeRecord(Uint8Array.of(0xff, 0xff))).toThrow("stored data corrupt");
  });
});

describe("the personal part", () => {
  const nobody = { actorName: "", clientIp: "", userAgent: "" };

  it.each([{ actorName: "ada" }, { clientIp: "203.0.113.7" }, { userAgent: "curl/8.5" }])("is there for %o alone, as it is over a Unix socket", (one) => {
    expect(personalOf(factsWith({ ...nobody, ...one }))).toEqual({ ...nobody, ...one });
  });

  it("is not there without any of them", () => {
    expect(personalOf(factsWith(nobody))).toBeUndefined();
  });
});

describe("a text that is too long", () => {
  it("is cut, and says how long it was and what it hashed to", () => {
    expect(cut("x".repeat(auditDetailBytesMax))).toBe("x".repeat(auditDetailBytesMax));
    const short = cut("x".repeat(auditDetailBytesMax + 1));
    expect(Buffer.byteLength(short)).toBe(auditDetailBytesMax);
    expect(short).toMatch(/^x+…\[cut: 2049 bytes, sha256:[0-9a-f]{64}\]$/);
    expect(cut(`${"x".repeat(auditDetailBytesMax)}y`)).not.toBe(short);
  });

  it.each(["é", "€", "𝄞"])("is cut between characters of %s", (character) => {
    for (let shift = 0; shift < 4; shift++) {
      const short = cut("x".repeat(shift) + character.repeat(2_000));
      expect(short).not.toContain("\ufffd");
      expect(Buffer.byteLength(short)).toBeLessThanOrEqual(auditDetailBytesMax);
      expect(Buffer.byteLength(short)).toBeGreaterThan(auditDetailBytesMax - 4);
    }
  });

  it("is cut in the personal part too", () => {
    const personal = personalOf(factsWith({ userAgent: "u".repeat(9_000), actorName: "n".repeat(9_000) }))!;
    expect(Buffer.byteLength(personal.userAgent)).toBe(userAgentBytesMax);
    expect(Buffer.byteLength(personal.actorName)).toBe(auditDetailBytesMax);
  });
});
