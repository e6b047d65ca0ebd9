/** Archives that an independent reader opens, beyond the 65,535 files and 4 GiB of the old format too. */
import { unzipSync } from "fflate";
import { crc32 } from "node:zlib";
import { describe, expect, it } from "vitest";
import { createZip } from "./zip.js";

const when = Date.UTC(2026, 2, 2, 12, 34, 56);

describe("a zip archive", () => {
  it("gives back small, large, compressible, random and empty files", async () => {
    const contents = {
      "empty.md": Buffer.alloc(0),
      "small.md": Buffer.from("hi"),
      "text.md": Buffer.from("# Hello\n".repeat(500)),
      "large.md": Buffer.from("0123456789abcdef".repeat(100_000)),
      "noise.md": Buffer.from(Array.from({ length: 50_000 }, (_, index) => Math.imul(index + 1, 0x9e3779b1) >>> 24)),
    };
    const zip = createZip();
    const parts: Uint8Array[] = [];
    for (const [name, content] of Object.entries(contents)) parts.push(...(await zip.file(name, content, when)));
    const tail = Buffer.from("stored\n");
    parts.push(zip.storedHead("tail.txt", tail.length, crc32(tail), when), tail, ...zip.end());
    const archive = Buffer.concat(parts);
    const files = unzipSync(archive);
    for (const [name, content] of Object.entries({ ...contents, "tail.txt": tail })) expect(Buffer.compare(files[name]!, content), name).toBe(0);
    expect(archive.length).toBeLessThan(100_000);
  });

  it("holds more files than sixteen bits can count", async () => {
    const zip = createZip();
    const parts: Uint8Array[] = [];
    const count = 65_600;
    const nothing = Buffer.alloc(0);
    for (let i = 0; i < count; i++) parts.push(...(await zip.file(`${i}.md`, nothing, when)));
    parts.push(...zip.end());
    const files = unzipSync(Buffer.concat(parts));
    expect(Object.keys(files)).toHaveLength(count);
    expect(files[`${count - 1}.md`]).toEqual(new Uint8Array());
  });

  it("says sizes and offsets beyond 32 bits in ZIP64 fields (APPNOTE 4.5.3)", async () => {
    const zip = createZip();
    const size = 5 * 2 ** 32 + 7;
    const head = Buffer.from(zip.storedHead("huge", size, 0x1234_5678, when));
    const [local] = (await zip.file("behind", Buffer.from("x"), when)) as [Buffer];
    const directory = Buffer.concat(zip.end());
    expect([head.readUInt16LE(4), head.readUInt32LE(18), head.readUInt32LE(22)]).toEqual([45, 0xffff_ffff, 0xffff_ffff]);
    const extra = head.subarray(30 + 4);
    expect([extra.readUInt16LE(0), extra.readUInt16LE(2), extra.readBigUInt64LE(4), extra.readBigUInt64LE(12)]).toEqual([1, 16, BigInt(size), BigInt(size)]);
    expect(local.readUInt16LE(28)).toBe(0);
    const second = directory.subarray(46 + 4 + 20);
    expect(second.readUInt32LE(42)).toBe(0xffff_ffff);
    const offset = second.subarray(46 + 6);
    expect([offset.readUInt16LE(0), offset.readUInt16LE(2), offset.readBigUInt64LE(4)]).toEqual([1, 8, BigInt(head.length + size)]);
    const end64 = directory.indexOf(Buffer.from([0x50, 0x4b, 6, 6]));
    expect(directory.readBigUInt64LE(end64 + 24)).toBe(2n);
    expect(directory.readBigUInt64LE(end64 + 48)).toBe(BigInt(head.length + size + local.length + 1));
  });
});
