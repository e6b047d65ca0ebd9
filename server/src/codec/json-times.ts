/** Timestamp and Duration as JSON text (protobuf.dev/programming-guides/json, RFC 3339). */
import type { Duration, Timestamp } from "@bufbuild/protobuf/wkt";
import { uncommon } from "./uncommon.js";

/** 0001-01-01T00:00:00Z in seconds since 1970. */
const timestampSecondsMin = -62_135_596_800;
/** 9999-12-31T23:59:59Z in seconds since 1970. */
const timestampSecondsMax = 253_402_300_799;
/** Ten thousand years, as google.protobuf.Duration bounds itself. */
const durationSecondsMax = 315_576_000_000;
const nanosMax = 999_999_999;
const daySeconds = 86_400;

/** The number that the digits from `from` to `to` write. Throws `uncommon` for anything but digits. */
function digits(text: string, from: number, to: number): number {
  let value = 0;
  for (let i = from; i < to; i++) {
    const digit = text.charCodeAt(i) - 48;
    if (!(digit >= 0 && digit <= 9)) throw uncommon;
    value = value * 10 + digit;
  }
  return value;
}

/** The nanoseconds that a fraction of one to nine digits stands for. */
function fraction(text: string, from: number, to: number): number {
  if (from === to || to - from > 9) throw uncommon;
  let nanos = digits(text, from, to);
  for (let i = to - from; i < 9; i++) nanos *= 10;
  return nanos;
}

const monthDays = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
const isLeap = (year: number): boolean => year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);

/** A timestamp from `2026-11-02T10:11:12Z` with at most nine digits of a second, from the year 100 on. */
export function readTimestamp(text: string): Timestamp {
  const end = text.length - 1;
  if (end < 19 || text.charCodeAt(4) !== 45 || text.charCodeAt(7) !== 45 || text.charCodeAt(10) !== 84 || text.charCodeAt(13) !== 58 || text.charCodeAt(16) !== 58 || text.charCodeAt(end) !== 90) throw uncommon;
  const year = digits(text, 0, 4);
  const month = digits(text, 5, 7);
  const day = digits(text, 8, 10);
  const hour = digits(text, 11, 13);
  const minute = digits(text, 14, 16);
  const second = digits(text, 17, 19);
  // Date.UTC takes a year below 100 for one of the twentieth century.
  if (year < 100 || month < 1 || month > 12 || day < 1 || hour > 23 || minute > 59 || second > 59) throw uncommon;
  if (day > monthDays[month - 1]! && !(month === 2 && day === 29 && isLeap(year))) throw uncommon;
  if (end > 19 && text.charCodeAt(19) !== 46) throw uncommon;
  return {
    $typeName: "google.protobuf.Timestamp",
    seconds: BigInt(Date.UTC(year, month - 1, day, hour, minute, second) / 1000),
    nanos: end === 19 ? 0 : fraction(text, 20, end),
  };
}

const two = Array.from({ length: 100 }, (_, value) => String(value).padStart(2, "0"));

/** A fraction of a second in three, six or nine digits, with its point. */
function writeFraction(nanos: number): string {
  const text = String(nanos).padStart(9, "0");
  return `.${text.endsWith("000000") ? text.slice(0, 3) : text.endsWith("000") ? text.slice(0, 6) : text}`;
}

/** `2026-11-02T10:11:12Z`, with three, six or nine digits of a second where it has a fraction. */
export function writeTimestamp({ seconds: long, nanos }: Timestamp): string {
  const seconds = Number(long);
  if (typeof long !== "bigint" || !(seconds >= timestampSecondsMin && seconds <= timestampSecondsMax)) throw uncommon;
  if (!Number.isInteger(nanos) || nanos < 0 || nanos > nanosMax) throw uncommon;
  const days = Math.floor(seconds / daySeconds);
  const time = seconds - days * daySeconds;
  const date = new Date(days * daySeconds * 1000);
  const year = date.getUTCFullYear();
  const hour = Math.floor(time / 3600);
  const minute = Math.floor(time / 60) % 60;
  return `${year > 999 ? year : String(year).padStart(4, "0")}-${two[date.getUTCMonth() + 1]}-${two[date.getUTCDate()]}T${two[hour]}:${two[minute]}:${two[time % 60]}${nanos === 0 ? "" : writeFraction(nanos)}Z`;
}

/** A duration from `-1.5s`, with at most nine digits of a second. */
export function readDuration(text: string): Duration {
  const end = text.length - 1;
  const negative = text.charCodeAt(0) === 45;
  const from = negative ? 1 : 0;
  const point = text.indexOf(".");
  const to = point < 0 ? end : point;
  if (to <= from || to - from > 12 || text.charCodeAt(end) !== 115) throw uncommon;
  const seconds = digits(text, from, to);
  if (seconds > durationSecondsMax) throw uncommon;
  const nanos = point < 0 ? 0 : fraction(text, point + 1, end);
  return {
    $typeName: "google.protobuf.Duration",
    seconds: BigInt(negative ? -seconds : seconds),
    nanos: negative && point >= 0 ? -nanos : nanos,
  };
}

/** `-1.5s`, with three, six or nine digits of a second where it has a fraction. */
export function writeDuration({ seconds: long, nanos }: Duration): string {
  const seconds = Number(long);
  if (typeof long !== "bigint" || !(seconds >= -durationSecondsMax && seconds <= durationSecondsMax)) throw uncommon;
  if (!Number.isInteger(nanos) || nanos < -nanosMax || nanos > nanosMax || (seconds > 0 && nanos < 0) || (seconds < 0 && nanos > 0)) throw uncommon;
  return `${seconds === 0 && nanos < 0 ? "-" : ""}${seconds}${nanos === 0 ? "" : writeFraction(Math.abs(nanos))}s`;
}
