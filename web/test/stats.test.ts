import assert from "node:assert/strict";
import { test } from "node:test";
import { band, csvCell, decimate, floor, resample, show, smooth, timeGrid, xValues } from "../src/stats.ts";
import { ticks } from "../src/ticks.ts";

const close = (a: ArrayLike<number>, b: number[], eps = 1e-12) => {
  assert.equal(a.length, b.length);
  b.forEach((value, i) => assert.ok(Object.is(a[i], value) || Math.abs(a[i]! - value) <= eps, `${i}: ${a[i]} is not ${value}`));
};

test("x counts epochs from one, steps done, and seconds so far", () => {
  const seconds = Float64Array.of(2, 3);
  close(xValues("epoch", 2, 10, seconds), [1, 2]);
  close(xValues("step", 2, 10, seconds), [10, 20]);
  close(xValues("time", 2, 10, seconds), [2, 5]);
});

test("smoothing at equal distances is the debiased moving average", () => {
  const y = [1, 4, 2, 8];
  let sum = 0;
  let total = 0;
  const expected = y.map((value) => {
    sum = 0.6 * sum + value;
    total = 0.6 * total + 1;
    return sum / total;
  });
  close(smooth([1, 2, 3, 4], y, 0.6), expected);
  close(smooth([1, 2, 3, 4], y, 0), y);
});

test("smoothing forgets more over a longer distance, and leaves holes out", () => {
  const even = smooth([0, 1, 2], [0, 0, 1], 0.5);
  const late = smooth([0, 0.2, 2], [0, 0, 1], 0.5);
  assert.ok(late[2]! > even[2]!);
  close(smooth([0, 1, 2], [3, NaN, 3], 0.9), [3, NaN, 3]);
  close(smooth([0, 1, 2], [5, 5, 5], 0.99), [5, 5, 5]);
});

test("resampling is linear and invents nothing outside", () => {
  close(resample([1, 3], [10, 30], [0, 1, 2, 3, 4]), [NaN, 10, 20, 30, NaN]);
  close(timeGrid(10, 4), [2.5, 5, 7.5, 10]);
});

test("the band is the t interval of the mean", () => {
  const found = band([[1, 5], [3, NaN], [5, NaN]], 2, [12.706, 4.303]);
  close(found.mean, [3, 5]);
  const half = (4.303 * 2) / Math.sqrt(3);
  close(found.low, [3 - half, NaN]);
  close(found.high, [3 + half, NaN]);
  assert.deepEqual([...found.n], [3, 1]);
  close(band([[1, 5], [3, NaN]], 2, [12.706], 2).mean, [2, NaN]);
});

test("decimation keeps every spike and short columns as they are", () => {
  const x = Float64Array.from({ length: 5000 }, (_, i) => i);
  const y = new Float64Array(5000);
  y[1234] = 9;
  y[4321] = -7;
  const cut = decimate(x, [y], 200);
  assert.equal(cut.x.length, 400);
  assert.equal(Math.max(...Array.from(cut.columns[0]!)), 9);
  assert.equal(Math.min(...Array.from(cut.columns[0]!)), -7);
  assert.equal(decimate(x.subarray(0, 300), [y], 200).columns[0], y);
});

test("decimation skips holes", () => {
  const y = Float64Array.from({ length: 100 }, (_, i) => (i % 2 ? i : NaN));
  const cut = decimate(y.map((_, i) => i), [y], 10);
  assert.equal(Math.max(...Array.from(cut.columns[0]!).filter((v) => !Number.isNaN(v))), 99);
});

test("numbers and cells as people and spreadsheets read them", () => {
  assert.equal(show(0.12345), "0.1235");
  assert.equal(show(NaN), "–");
  assert.equal(show(1e-7), "1.00e-7");
  assert.equal(csvCell('a"b,c'), '"a""b,c"');
  assert.equal(csvCell("=1+1"), "'=1+1");
  assert.equal(csvCell(-1.5), "-1.5");
  assert.equal(csvCell(NaN), "");
});

test("axes have four to eight round values", () => {
  for (const [low, high] of [[0.62, 1.74], [0, 640], [-3, 4], [1e-6, 5e-6], [0.999, 1]] as const) {
    const found = ticks(low, high);
    assert.ok(found.length >= 4 && found.length <= 8, `${low} to ${high}: ${found}`);
    assert.ok(found[0]! >= low - 1e-9 && found.at(-1)! <= high + 1e-9);
  }
});

test("a logarithmic axis ends at the least positive value", () => {
  assert.equal(floor([[3, -1, NaN], [0, 0.5, 2]]), 0.5);
  assert.equal(floor([[-1, NaN]]), Infinity);
});
