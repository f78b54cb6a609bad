// What an axis shows: ranges from means and runs, never from bands; round values; whole epochs.

import { around, NARROW, ticks } from "./ticks.ts";

export interface Range {
  low: number;
  high: number;
}

const TAIL = 0.02; // of all values at either end, which outliers may be

/** The range of columns between two places, with a little room; outliers left out where that is wished. */
export function range(columns: ArrayLike<number>[], from: number, to: number, options: { log: boolean; outliers: boolean; share: boolean }): Range {
  let low = Infinity;
  let high = -Infinity;
  const all: number[] = [];
  for (const column of columns)
    for (let i = from; i < Math.min(to, column.length); i++) {
      const value = column[i]!;
      if (!Number.isFinite(value) || (options.log && value <= 0)) continue;
      if (options.outliers) all.push(value);
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
  if (options.outliers && all.length > 20) {
    const sorted = Float64Array.from(all).sort();
    low = sorted[Math.floor(TAIL * (sorted.length - 1))]!;
    high = sorted[Math.ceil((1 - TAIL) * (sorted.length - 1))]!;
  }
  if (!(high >= low)) return options.log ? { low: 0.1, high: 1 } : { low: 0, high: 1 };
  if (options.log) return high > low * (1 + NARROW) ? { low: low / (high / low) ** 0.03, high: high * (high / low) ** 0.03 } : { low: low / 2, high: low * 2 };
  const wide = around(low, high, 0.04);
  return options.share ? { low: low >= 0 ? Math.max(0, wide.low) : wide.low, high: high <= 1 ? Math.min(1, wide.high) : wide.high } : wide;
}

/** Values for a logarithmic axis: 1, 2 and 5 times powers of ten, or round ones where that are too few. */
export function logTicks(low: number, high: number): number[] {
  const found: number[] = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++) for (const one of [1, 2, 5]) found.push(one * 10 ** power);
  const inside = found.filter((value) => value >= low && value <= high);
  if (inside.length > 8) return inside.filter((value) => Math.abs(Math.log10(value) % 1) < 1e-9 || Math.abs((Math.log10(value) % 1) - 1) < 1e-9);
  return inside.length >= 3 ? inside : ticks(low, high);
}

/** Whole numbers for epochs and steps. */
export function wholeTicks(low: number, high: number): number[] {
  const round = ticks(low, high, 6).filter((value) => Number.isInteger(value));
  return round.length > 1 ? round : [...new Set([Math.ceil(low), Math.floor(high)])];
}
