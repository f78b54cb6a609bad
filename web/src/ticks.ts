// Round values for axes, and their labels: short, no two alike.

import type { Unit } from "./data.ts";
import { digits, fixed, level, tick } from "./format.ts";

export const NARROW = 1e-5; // of a number, the smallest range around it whose ticks are short
const [LEAST, MOST] = [1e-300, 1e300]; // ranges below have no round numbers; numbers beyond stand at the end of a scale
const [PLACES, LARGE] = [5, 1e6]; // digits after the point, and size, with which a difference is still read at a glance
const LONG = 8; // letters of a level
const LETTER = 7; // pixels of a digit of 12

/** About `count` round values between two. */
export function ticks(low: number, high: number, count = 5): number[] {
  const raw = (high - low) / count;
  if (!(raw > LEAST && raw < Infinity)) return [low];
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((f) => f * power).find((size) => size >= raw * 0.7)!;
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return [...new Set(Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12))))];
}

/** Numbers at one axis, in their order. */
export function labels(values: number[], signed = false): string[] {
  const gap = (i: number) => (i > 0 && i < values.length ? Math.abs(values[i]! - values[i - 1]!) : Infinity);
  return values.map((value, i) => tick(value, Math.min(gap(i), gap(i + 1)), signed));
}

/** Differences at one axis, with their signs; equally many digits after the point, where these are few. */
export function differences(values: number[]): string[] {
  const places = values.length > 1 ? Math.max(0, -Math.floor(Math.log10(values[1]! - values[0]!) + 1e-9)) : digits(NaN, values[0] ?? 0);
  if (places > PLACES || Math.max(...values.map(Math.abs)) >= LARGE) return labels(values, true);
  return values.map((value) => (value === 0 ? "0" : fixed(value, places, true)));
}

/** Levels at one axis that are not round; where `level` makes them long or two alike, with digits that tell them apart. */
export function levels(values: number[], unit: Unit): string[] {
  const found = values.map((value) => level(value, unit));
  if (new Set(found).size === found.length && found.every((text) => text.length <= LONG)) return found;
  return labels(values.map((value) => value * (unit === "share" ? 100 : 1))).map((text) => (unit === "share" ? `${text} %` : text));
}

/** Pixels for labels left of an axis, `least` of them at least. */
export function roomFor(found: string[], least: number): number {
  return Math.max(least, 8 + LETTER * Math.max(0, ...found.map((text) => text.length)));
}

/** The range from one number to another with some room, a share of it; what differs by less than a few digits tell is a level line. */
export function around(low: number, high: number, room: number): { low: number; high: number } {
  const size = Math.max(Math.abs(low), Math.abs(high));
  const more = high > low && high - low < size * NARROW ? (size * NARROW) / 2 : (high - low || size || 1) * room;
  return { low: Math.max(-MOST, low - more), high: Math.min(MOST, high + more) };
}
