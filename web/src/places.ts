// Places in columns.

export function last(column: Float64Array): number {
  for (let i = column.length - 1; i >= 0; i--) if (!Number.isNaN(column[i]!)) return column[i]!;
  return NaN;
}

/** The first index whose x is at least `at`. */
export function lowest(x: Float64Array, at: number): number {
  let low = 0;
  let high = x.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (x[middle]! < at) low = middle + 1;
    else high = middle;
  }
  return low;
}

export function nearest(x: Float64Array, at: number): number {
  const right = Math.min(lowest(x, at), x.length - 1);
  return right > 0 && at - x[right - 1]! < x[right]! - at ? right - 1 : right;
}
