/** Holds the text of timestamps and durations to protobuf-es at every edge of what they may be, and refuses what it reads though none has that form. */
import { create, type DescMessage, fromJson, type Message, toJson } from "@bufbuild/protobuf";
import { DurationSchema, TimestampSchema } from "@bufbuild/protobuf/wkt";
import { describe, expect, it } from "vitest";
import { codecsOf } from "./codec.js";

function outcome<T>(run: () => T): T | string {
  try {
    return run();
  } catch (thrown) {
    return `throws ${String(thrown)}`;
  }
}

function sameReading(desc: DescMessage, text: string): void {
  const ours = outcome(() => codecsOf(desc).readJson(text));
  const hasForm = desc === DurationSchema ? /^-?\d{1,12}(\.\d{1,9})?s$/.test(text) : isOnCalendar(text);
  if (hasForm) expect(ours, text).toStrictEqual(outcome(() => fromJson(desc, text)));
  else expect(ours, text).toMatch(/^throws /);
}

/** True for a date and time that a calendar and a clock show. protobuf-es takes 30 February for 2 March, and 24:00 for the next day. */
function isOnCalendar(text: string): boolean {
  const parts = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.\d{1,9})?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/.exec(text)?.slice(1).map(Number);
  if (parts === undefined) return false;
  const date = new Date(0);
  date.setUTCFullYear(parts[0]!, parts[1]! - 1, parts[2]);
  date.setUTCHours(parts[3]!, parts[4], parts[5]);
  const shown = [date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate(), date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds()];
  return shown.every((part, index) => part === parts[index]);
}

function sameWriting(desc: DescMessage, message: Message): void {
  expect(outcome(() => codecsOf(desc).writeJson(message))).toBe(outcome(() => JSON.stringify(toJson(desc, message))));
}

const years = ["0000", "0001", "0049", "0050", "0099", "0100", "0999", "1000", "1582", "1899", "1900", "1969", "1970", "2000", "2024", "2026", "2100", "2400", "9999"];
const monthsAndDays = ["00-01", "01-00", "01-01", "01-31", "01-32", "02-28", "02-29", "02-30", "03-01", "04-30", "04-31", "06-31", "09-31", "11-31", "12-31", "12-32", "13-01"];
const times = ["00:00:00", "23:59:59", "23:59:60", "23:60:00", "24:00:00", "24:00:01", "25:00:00"];
const ends = ["Z", ".1Z", ".12Z", ".123Z", ".000Z", ".120Z", ".1234Z", ".123456Z", ".1234567Z", ".123456789Z", ".000000001Z", ".999999999Z", ".1234567890Z", ".Z", ".", "", "z", " Z", ".5+00:00", "+01:00", "-23:59", "+24:00", "+0100", ".1.2Z", ",5Z", ".-1Z", ".1eZ", "٣Z"];

describe("timestamps", () => {
  it.each(years)("of the year %s are read as protobuf-es does", (year) => {
    for (const day of monthsAndDays) for (const time of times) sameReading(TimestampSchema, `${year}-${day}T${time}Z`);
  });

  it("are read with every end as protobuf-es does", () => {
    for (const end of ends) sameReading(TimestampSchema, `2026-11-02T10:11:12${end}`);
  });

  it("are read with any one character changed as protobuf-es does", () => {
    const text = "2026-11-02T10:11:12.345Z";
    for (let i = 0; i < text.length; i++) for (const other of ["", "0", "9", "-", ":", "/", ".", "T", "Z", " ", "é"]) sameReading(TimestampSchema, text.slice(0, i) + other + text.slice(i + 1));
  });

  it("are written as protobuf-es does", () => {
    const day = 86_400n;
    const edges = [-62_135_596_800n, 253_402_300_799n, 0n, -day, day, 951_782_400n, 951_868_800n, 4_107_542_400n, -2_208_988_800n, -30_610_224_000n, -59_011_459_200n, 1_793_614_272n];
    for (const edge of edges) {
      for (const around of [-day, -1n, 0n, 1n, 59n, 60n, 3599n, 3600n, day - 1n, day, 59n * day, 60n * day]) {
        for (const nanos of [0, 1, 1000, 1_000_000, 120_000_000, 999_999_999, 123_456_000, 100]) sameWriting(TimestampSchema, create(TimestampSchema, { seconds: edge + around, nanos }));
      }
    }
    for (const nanos of [-1, 1_000_000_000, 0.5, NaN, Infinity]) sameWriting(TimestampSchema, create(TimestampSchema, { seconds: 1n, nanos }));
  });
});

describe("durations", () => {
  it("are read as protobuf-es does", () => {
    for (const sign of ["", "-", "+", "--"]) {
      for (const whole of ["", "0", "00", "1", "007", "315576000000", "315576000001", "999999999999", "1000000000000"]) {
        for (const end of ["s", ".0s", ".5s", ".000000001s", ".999999999s", ".9999999999s", ".s", "", "S", "sx", " s", ".5", ".5.5s", "e3s"]) sameReading(DurationSchema, sign + whole + end);
      }
    }
  });

  it("are written as protobuf-es does", () => {
    for (const seconds of [0n, 1n, -1n, 60n, 315_576_000_000n, -315_576_000_000n, 315_576_000_001n, -315_576_000_001n, 2n ** 62n]) {
      for (const nanos of [0, -0, 1, -1, 1000, -1000, 500_000_000, -500_000_000, 999_999_999, -999_999_999, 1_000_000_000, 0.5, NaN]) sameWriting(DurationSchema, create(DurationSchema, { seconds, nanos }));
    }
  });
});
