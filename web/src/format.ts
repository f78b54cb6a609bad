// Numbers as people read them: shares in percent, differences in percentage points, digits as far as an interval allows.

import type { Figure } from "./figures.ts";
import type { Unit } from "./data.ts";

const scale = (unit: Unit): number => (unit === "share" ? 100 : 1);

/** Digits after the point that a width of uncertainty leaves: two of the width's own, and four of the number's at most. */
export function digits(width: number, size: number): number {
  const told = Number.isFinite(width) && width > 0 ? width : Math.abs(size) / 10;
  const most = size !== 0 && Number.isFinite(size) ? 3 - Math.floor(Math.log10(Math.abs(size))) : 6;
  return told > 0 ? Math.min(6, Math.max(0, Math.min(most, 1 - Math.floor(Math.log10(told))))) : 2;
}

/** A number with a true minus sign; `–` where there is none. */
export function fixed(value: number, places: number, signed = false): string {
  if (!Number.isFinite(value)) return "–";
  const text = Math.abs(value).toFixed(places);
  const zero = Number(text) === 0;
  return `${zero ? "" : value < 0 ? "−" : signed ? "+" : ""}${text}`;
}

/** A level, such as a mean loss or accuracy. */
export function level(value: number, unit: Unit): string {
  if (!Number.isFinite(value)) return "–";
  const scaled = value * scale(unit);
  const size = Math.abs(scaled);
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
  const share = unit === "share" ? " pp" : "";
  const least = figure.tested?.at_least ? "≥ " : "";
  const known = Number.isFinite(figure.before) && Number.isFinite(figure.after);
  const before = level(figure.before, unit);
  const change = known ? `${unit === "share" ? before.replace(" %", "") : before} → ${level(figure.after, unit)}` : "";
  return {
    change,
    mean: Number.isFinite(figure.mean) ? `${least}${fixed(figure.mean * by, places, true)}${share}` : "–",
    interval: Number.isFinite(figure.low) ? `[${fixed(figure.low * by, places, true)}, ${fixed(figure.high * by, places, true)}]` : "",
  };
}
