// Numbers behind the curves. Everything here is a pure function.

export type XAxis = "epoch" | "step" | "time";

/** A run's x values, one per epoch: epochs from 1, steps done, or seconds of training so far. */
export function xValues(axis: XAxis, count: number, steps: number, seconds: Float64Array): Float64Array {
  const found = new Float64Array(count);
  let sum = 0;
  for (let i = 0; i < count; i++) {
    sum += seconds[i] || 0;
    found[i] = axis === "epoch" ? i + 1 : axis === "step" ? (i + 1) * steps : sum;
  }
  return found;
}

/**
 * Time-weighted exponential moving average: the weight of a point falls with its distance in x,
 * by the factor `weight` for each mean spacing, and the weights of all points so far sum to one.
 * At equal distances that is the usual debiased EMA. Points that are not numbers are left out.
 */
export function smooth(x: ArrayLike<number>, y: ArrayLike<number>, weight: number): Float64Array {
  const out = new Float64Array(y.length);
  const spacing = (x[y.length - 1]! - x[0]!) / Math.max(1, y.length - 1) || 1;
  let sum = 0;
  let total = 0;
  let before = NaN;
  let gap = NaN;
  let keep = 0;
  for (let i = 0; i < y.length; i++) {
    const value = y[i]!;
    if (Number.isNaN(value)) {
      out[i] = NaN;
      continue;
    }
    const distance = x[i]! - before;
    if (distance !== gap) {
      gap = distance;
      keep = weight > 0 && total > 0 ? weight ** (distance / spacing) : 0;
    }
    sum = sum * keep + value;
    total = total * keep + 1;
    before = x[i]!;
    out[i] = sum / total;
  }
  return out;
}

/** Linear interpolation of (x, y) at the points of `grid`; NaN outside of what was measured. */
export function resample(x: ArrayLike<number>, y: ArrayLike<number>, grid: ArrayLike<number>): Float64Array {
  const out = new Float64Array(grid.length).fill(NaN);
  let right = 0;
  for (let i = 0; i < grid.length; i++) {
    const at = grid[i]!;
    while (right < y.length && x[right]! < at) right++;
    if (right === y.length) break;
    if (x[right] === at) out[i] = y[right]!;
    else if (right > 0) {
      const share = (at - x[right - 1]!) / (x[right]! - x[right - 1]!);
      out[i] = y[right - 1]! + share * (y[right]! - y[right - 1]!);
    }
  }
  return out;
}

/** Points at equal distances from 0 (not included) to `end`. */
export function timeGrid(end: number, count: number): Float64Array {
  return Float64Array.from({ length: count }, (_, i) => ((i + 1) * end) / count);
}

export interface Band {
  mean: Float64Array;
  low: Float64Array;
  high: Float64Array;
  n: Int32Array;
}

/**
 * Mean and its 95 % t interval over runs, point by point; no interval below two runs. `t[k - 1]` has k degrees of freedom.
 * No mean below `least` runs: over time, runs end at different moments, and a mean of those left would jump.
 */
export function band(columns: ArrayLike<number>[], length: number, t: number[], least = 1): Band {
  const mean = new Float64Array(length).fill(NaN);
  const low = new Float64Array(length).fill(NaN);
  const high = new Float64Array(length).fill(NaN);
  const n = new Int32Array(length);
  const sums = new Float64Array(length);
  for (const column of columns) {
    const end = Math.min(column.length, length);
    for (let i = 0; i < end; i++) {
      const value = column[i]!;
      if (value === value) {
        sums[i]! += value;
        n[i]!++;
      }
    }
  }
  for (let i = 0; i < length; i++) if (n[i]! > 0 && n[i]! >= least) mean[i] = sums[i]! / n[i]!;
  const squares = sums.fill(0);
  for (const column of columns) {
    const end = Math.min(column.length, length);
    for (let i = 0; i < end; i++) {
      const delta = column[i]! - mean[i]!;
      if (delta === delta) squares[i]! += delta * delta;
    }
  }
  for (let i = 0; i < length; i++) {
    const count = n[i]!;
    if (count < 2 || count < least) continue;
    const half = (t[count - 2] ?? 1.96) * Math.sqrt(squares[i]! / (count - 1) / count);
    low[i] = mean[i]! - half;
    high[i] = mean[i]! + half;
  }
  return { mean, low, high, n };
}

/** The least and the greatest value of each point; NaN where there is none. */
export function extremes(columns: ArrayLike<number>[], length: number): { low: Float64Array; high: Float64Array } {
  const low = new Float64Array(length).fill(NaN);
  const high = new Float64Array(length).fill(NaN);
  for (const column of columns)
    for (let i = 0; i < Math.min(length, column.length); i++) {
      const value = column[i]!;
      if (!(low[i]! <= value)) low[i] = Number.isNaN(value) ? low[i]! : value;
      if (!(high[i]! >= value)) high[i] = Number.isNaN(value) ? high[i]! : value;
    }
  return { low, high };
}

/**
 * Columns over a shared x with at most two points per bucket: each keeps its least and greatest value
 * there, in their order, so that no spike is lost. Short columns come back as they are.
 */
export function decimate(
  x: ArrayLike<number>,
  columns: ArrayLike<number>[],
  buckets: number,
): { x: ArrayLike<number>; columns: ArrayLike<number>[] } {
  const length = x.length;
  if (length <= buckets * 2) return { x, columns };
  const outX = new Float64Array(buckets * 2);
  const outColumns = columns.map(() => new Float64Array(buckets * 2).fill(NaN));
  const ends = Int32Array.from({ length: buckets + 1 }, (_, bucket) => Math.floor((bucket * length) / buckets));
  for (let bucket = 0; bucket < buckets; bucket++) {
    outX[2 * bucket] = x[ends[bucket]!]!;
    outX[2 * bucket + 1] = x[ends[bucket + 1]! - 1]!;
  }
  for (let c = 0; c < columns.length; c++) {
    const column = columns[c]!;
    const out = outColumns[c]!;
    for (let bucket = 0; bucket < buckets; bucket++) {
      const to = ends[bucket + 1]!;
      let [least, most] = [Infinity, -Infinity];
      let [leastAt, mostAt] = [-1, -1];
      for (let i = ends[bucket]!; i < to; i++) {
        const value = column[i]!;
        if (value < least) {
          least = value;
          leastAt = i;
        }
        if (value > most) {
          most = value;
          mostAt = i;
        }
      }
      if (leastAt < 0 || mostAt < 0) continue; // nothing but what is not a number
      out[2 * bucket] = leastAt < mostAt ? least : most;
      out[2 * bucket + 1] = leastAt < mostAt ? most : least;
    }
  }
  return { x: outX, columns: outColumns };
}

/** The least positive value of all columns, where a logarithmic axis ends; bands that reach zero are cut off there. */
export function floor(columns: ArrayLike<number>[]): number {
  let least = Infinity;
  for (const column of columns) for (let i = 0; i < column.length; i++) if (column[i]! > 0 && column[i]! < least) least = column[i]!;
  return least;
}

/** A number as people read it. */
export function show(value: number | null | undefined, digits = 4): string {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e6)) return value.toExponential(2);
  return Number.isInteger(value) ? String(value) : value.toFixed(size >= 1000 ? 0 : size >= 100 ? 1 : digits);
}

/** One cell of a CSV, RFC 4180; text that a spreadsheet would run as a formula gets a quote in front. */
export function csvCell(value: string | number | boolean | null): string {
  if (typeof value === "number") return Number.isNaN(value) ? "" : String(value);
  let text = value === null ? "" : String(value);
  if (/^[=+\-@\t\r]/.test(text)) text = `'${text}`;
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
