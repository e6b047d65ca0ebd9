/** Writes a zip archive as a stream (PKWARE APPNOTE 6.3.10), with ZIP64 where sizes and counts need it. */
import { promisify } from "node:util";
import { crc32, deflateRaw, deflateRawSync } from "node:zlib";

/** Writes the parts of one archive in the order they are asked for. */
export interface ZipWriter {
  /** One file, compressed if that makes it smaller. Name in ASCII; time in Unix milliseconds. */
  file(name: string, content: Uint8Array, modifiedMs: number): Promise<Uint8Array[]>;
  /** The head of a file whose content follows uncompressed, of exactly this size and CRC-32. */
  storedHead(name: string, size: number, crc: number, modifiedMs: number): Uint8Array;
  /** The directory that ends the archive. */
  end(): Uint8Array[];
}

const signatures = { local: 0x0403_4b50, central: 0x0201_4b50, end: 0x0605_4b50, end64: 0x0606_4b50, locator64: 0x0706_4b50 };
const methods = { stored: 0, deflated: 8 };
const full16 = 0xffff;
const full32 = 0xffff_ffff;
/** What a reader must know: 2.0 for deflate, 4.5 for ZIP64. */
const versions = { plain: 20, zip64: 45 };
/** Larger contents are compressed in a thread of their own. */
const inlineBytes = 32 * 1024;
/** Deflate makes nothing of less. */
const deflateBytesMin = 64;
const deflateInThread = promisify<Uint8Array, Buffer>(deflateRaw);

/** Central records are kept in chunks, some 80 bytes a file. */
const directoryChunkRecords = 512;

interface Entry {
  readonly name: string;
  readonly method: number;
  readonly crc: number;
  readonly packed: number;
  readonly size: number;
  readonly modifiedMs: number;
}

/** Begins an archive. */
export function createZip(): ZipWriter {
  const directory: Buffer[] = [];
  let recent: Buffer[] = [];
  let offset = 0;
  let count = 0;

  const begin = (entry: Entry): Buffer => {
    const head = localHead(entry);
    recent.push(centralRecord(entry, offset));
    if (recent.length === directoryChunkRecords) directory.push(Buffer.concat(recent.splice(0)));
    offset += head.length + entry.packed;
    count++;
    return head;
  };

  return {
    async file(name, content, modifiedMs) {
      const deflated = content.length < deflateBytesMin ? undefined : content.length <= inlineBytes ? deflateRawSync(content) : await deflateInThread(content);
      const isSmaller = deflated !== undefined && deflated.length < content.length;
      const data = isSmaller ? deflated : content;
      const method = isSmaller ? methods.deflated : methods.stored;
      return [begin({ name, method, crc: crc32(content), packed: data.length, size: content.length, modifiedMs }), data];
    },
    storedHead: (name, size, crc, modifiedMs) => begin({ name, method: methods.stored, crc, packed: size, size, modifiedMs }),
    end() {
      directory.push(Buffer.concat(recent));
      recent = [];
      const bytes = directory.reduce((sum, chunk) => sum + chunk.length, 0);
      return [...directory, ...endRecords(count, bytes, offset)];
    },
  };
}

function localHead(entry: Entry): Buffer {
  const name = Buffer.from(entry.name, "latin1");
  const isLarge = entry.size >= full32 || entry.packed >= full32;
  const extra = isLarge ? extra64([entry.size, entry.packed]) : Buffer.alloc(0);
  const head = Buffer.alloc(30);
  head.writeUInt32LE(signatures.local, 0);
  head.writeUInt16LE(isLarge ? versions.zip64 : versions.plain, 4);
  writeFacts(head, 6, entry, isLarge);
  head.writeUInt16LE(name.length, 26);
  head.writeUInt16LE(extra.length, 28);
  return Buffer.concat([head, name, extra]);
}

function centralRecord(entry: Entry, offset: number): Buffer {
  const name = Buffer.from(entry.name, "latin1");
  const isLarge = entry.size >= full32 || entry.packed >= full32;
  const isFar = offset >= full32;
  const extra = isLarge || isFar ? extra64([...(isLarge ? [entry.size, entry.packed] : []), ...(isFar ? [offset] : [])]) : Buffer.alloc(0);
  const head = Buffer.alloc(46);
  head.writeUInt32LE(signatures.central, 0);
  const version = isLarge || isFar ? versions.zip64 : versions.plain;
  head.writeUInt16LE(version, 4);
  head.writeUInt16LE(version, 6);
  writeFacts(head, 8, entry, isLarge);
  head.writeUInt16LE(name.length, 28);
  head.writeUInt16LE(extra.length, 30);
  head.writeUInt32LE(isFar ? full32 : offset, 42);
  return Buffer.concat([head, name, extra]);
}

/** The 20 bytes that local and central records share: flags, method, time, date, CRC-32, both sizes. */
function writeFacts(head: Buffer, at: number, { method, modifiedMs, crc, packed, size }: Entry, isLarge: boolean): void {
  const { time, date } = dosTime(modifiedMs);
  head.writeUInt16LE(0, at);
  head.writeUInt16LE(method, at + 2);
  head.writeUInt16LE(time, at + 4);
  head.writeUInt16LE(date, at + 6);
  head.writeUInt32LE(crc, at + 8);
  head.writeUInt32LE(isLarge ? full32 : packed, at + 12);
  head.writeUInt32LE(isLarge ? full32 : size, at + 16);
}

/** The ZIP64 extra field (APPNOTE 4.5.3). */
function extra64(numbers: readonly number[]): Buffer {
  const extra = Buffer.alloc(4 + 8 * numbers.length);
  extra.writeUInt16LE(0x0001, 0);
  extra.writeUInt16LE(8 * numbers.length, 2);
  numbers.forEach((number, index) => extra.writeBigUInt64LE(BigInt(number), 4 + 8 * index));
  return extra;
}

function endRecords(count: number, bytes: number, offset: number): Buffer[] {
  const end = Buffer.alloc(22);
  end.writeUInt32LE(signatures.end, 0);
  end.writeUInt16LE(Math.min(count, full16), 8);
  end.writeUInt16LE(Math.min(count, full16), 10);
  end.writeUInt32LE(Math.min(bytes, full32), 12);
  end.writeUInt32LE(Math.min(offset, full32), 16);
  if (count < full16 && bytes < full32 && offset < full32) return [end];
  const end64 = Buffer.alloc(56);
  end64.writeUInt32LE(signatures.end64, 0);
  end64.writeBigUInt64LE(44n, 4);
  end64.writeUInt16LE(versions.zip64, 12);
  end64.writeUInt16LE(versions.zip64, 14);
  end64.writeBigUInt64LE(BigInt(count), 24);
  end64.writeBigUInt64LE(BigInt(count), 32);
  end64.writeBigUInt64LE(BigInt(bytes), 40);
  end64.writeBigUInt64LE(BigInt(offset), 48);
  const locator = Buffer.alloc(20);
  locator.writeUInt32LE(signatures.locator64, 0);
  locator.writeBigUInt64LE(BigInt(offset + bytes), 8);
  locator.writeUInt32LE(1, 16);
  return [end64, locator, end];
}

/** MS-DOS time and date in UTC, to two seconds, between 1980 and 2107. */
function dosTime(ms: number): { time: number; date: number } {
  const day = new Date(Math.min(Math.max(ms, Date.UTC(1980, 0, 1)), Date.UTC(2107, 11, 31)));
  return {
    time: (day.getUTCHours() << 11) | (day.getUTCMinutes() << 5) | (day.getUTCSeconds() >> 1),
    date: ((day.getUTCFullYear() - 1980) << 9) | ((day.getUTCMonth() + 1) << 5) | day.getUTCDate(),
  };
}
