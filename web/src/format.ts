// Numbers as people read them: shares in percent, differences in percentage points, digits as far as an interval allows.

import type { Figure } from "./figures.ts";
import type { Unit } from "./data.ts";

const [LARGE, SMALL] = [1e9, 1e-5]; // sizes from which on, and below which, a number has a power of ten
const scale = (unit: Unit): number => (unit === "share" ? 100 : 1);

/** Digits after the point that a width of uncertainty leaves: two of the width's own, and four of the number's at most. */
export function digits(width: number, size: number): number {
  const told = Number.isFinite(width) && width > 0 ? width : Math.abs(size) / 10;
  const most = size !== 0 && Number.isFinite(size) ? 3 - Math.floor(Math.log10(Math.abs(size))) : 6;
  return told > 0 ? Math.min(6, Math.max(0, Math.min(most, 1 - Math.floor(Math.log10(told))))) : 2;
}

/** A number at an axis, with as many digits as tell it from the next one, which is `step` away; no zeros at its end. */
export function tick(value: number, step = NaN, signed = false): string {
  const size = Math.abs(value);
  if (size === 0) return "0";
  if (!Number.isFinite(size)) return "–";
  const least = Math.floor(Math.log10(step) + 1e-9);
  const known = step > 0 && step < Infinity;
  const figures = known ? Math.min(100, Math.max(0, Math.floor(Math.log10(size) + 1e-9) - least)) : 2;
  const places = known ? Math.max(0, -least) : size >= 1000 ? 0 : size >= 100 ? 1 : 3;
  const [base, power] = size.toExponential(figures).split("e");
  let text = `${short(base!)}e${Number(power)}`;
  if (size >= 1e-3) {
    const plain = short(size.toFixed(Math.min(100, places)));
    if (size < 1e6 || plain.length < text.length) text = plain;
  }
  return `${value < 0 ? "−" : signed ? "+" : ""}${text}`;
}

/** A number with a true minus sign; `–` where there is none. */
export function fixed(value: number, places: number, signed = false): string {
  if (!Number.isFinite(value)) return "–";
  if (Math.abs(value) >= LARGE) return tick(value, NaN, signed);
  const text = Math.abs(value).toFixed(places);
  const zero = Number(text) === 0;
  return `${zero ? "" : value < 0 ? "−" : signed ? "+" : ""}${text}`;
}

/** A difference with its sign, beside others of which `most` is the largest. */
export function signed(value: number, places: number, most: number): string {
  const small = Math.abs(most) > 0 && Math.abs(most) < SMALL;
  return small && Number.isFinite(value) ? tick(value, NaN, true) : fixed(value, places, true);
}

/** A level, such as a mean loss or accuracy. */
export function level(value: number, unit: Unit): string {
  if (!Number.isFinite(value)) return "–";
  const scaled = value * scale(unit);
  const size = Math.abs(scaled);
  if (size > 0 && size < SMALL && unit !== "share" && unit !== "epochs") return tick(scaled);
  return unit === "share" || unit === "epochs" ? `${fixed(scaled, 1)}${unit === "share" ? " %" : ""}` : fixed(scaled, size >= 1000 ? 0 : size >= 100 ? 1 : size >= 10 ? 2 : size >= 0.01 ? 3 : 5);
}

export interface Read {
  change: string; // 0.61 → 0.63
  mean: string; // +0.021
  interval: string; // [−0.009, +0.051]; empty where there is none
}

/** A figure in three parts. */
export function read(figure: Figure, unit: Unit): Read {
  const by = scale(unit);
  const half = ((figure.high - figure.low) / 2) * by;
  const places = unit === "epochs" ? 1 : digits(half, figure.mean * by);
  const most = Math.max(0, ...[figure.mean, figure.low, figure.high].filter(Number.isFinite).map(Math.abs)) * by;
  const shown = (value: number) => signed(value * by, places, most);
  const share = unit === "share" ? " pp" : "";
  const least = figure.tested?.at_least ? "≥ " : "";
  const known = Number.isFinite(figure.before) && Number.isFinite(figure.after);
  const before = level(figure.before, unit);
  const change = known ? `${unit === "share" ? before.replace(" %", "") : before} → ${level(figure.after, unit)}` : "";
  return {
    change,
    mean: Number.isFinite(figure.mean) ? `${least}${shown(figure.mean)}${share}` : "–",
    interval: Number.isFinite(figure.low) ? `[${shown(figure.low)}, ${shown(figure.high)}]` : "",
  };
}

function short(number: string): string {
  return number.includes(".") ? number.replace(/\.?0+$/, "") : number;
}
