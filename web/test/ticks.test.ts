import assert from "node:assert/strict";
import { test } from "node:test";
import { logTicks, range } from "../src/axes.ts";
import type { Figure } from "../src/figures.ts";
import { level, read, tick } from "../src/format.ts";
import { around, differences, labels, levels, ticks } from "../src/ticks.ts";

const SHORT = 10;
const number = (text: string) => Number(text.replace("−", "-"));

test("labels are short, distinct and right, whatever the size of numbers and however narrow the range", () => {
  const ranges = [[1e30, 3e30], [1e30, 1.00000001e30], [1e-30, 3e-30], [1e16, 1e16 + 2], [1e6, 1e6 + 1e-9], [0.6931471, 0.6931472], [0.001, 0.003], [-0.0004, 0.0011], [100.01, 100.09], [5e5, 2.2e6], [0.62, 1.74]] as const;
  for (const [least, most] of ranges)
    for (const log of [false, true]) {
      if (log && least <= 0) continue;
      const { low, high } = range([[least, most]], 0, 2, { log, outliers: false, share: false });
      const values = log ? logTicks(low, high) : ticks(low, high);
      const found = labels(values);
      assert.ok(values.length > 1 && values.every((value) => value >= low && value <= high), `${least} to ${most}: ${values}`);
      assert.equal(new Set(found).size, found.length, `${found}`);
      found.forEach((text, i) => assert.ok(text.length <= SHORT + 1 && Math.abs(number(text) - values[i]!) <= 1e-11 * Math.abs(values[i]!), `${text} for ${values[i]}`));
    }
});

test("differences have a sign and a power of ten where they want one", () => {
  assert.deepEqual(differences([-0.05, 0, 0.05]), ["−0.05", "0", "+0.05"]);
  assert.deepEqual(differences([-1e30, 0, 1e30]), ["−1e30", "0", "+1e30"]);
  assert.deepEqual(differences([0, 5e-31, 1e-30]), ["0", "+5e-31", "+1e-30"]);
  assert.deepEqual(differences([0, 1e-120]), ["0", "+1e-120"]);
});

test("a number of an axis ends with no zeros", () => {
  assert.deepEqual([1.5, 1, 1e-7, -2e6, 0, 1200, 12.3456].map((value) => tick(value)), ["1.5", "1", "1e-7", "−2e6", "0", "1200", "12.346"]);
});

test("levels that are two are told apart, and one line is level", () => {
  assert.deepEqual(levels([0.61234, 0.63111], "nats"), ["0.612", "0.631"]);
  assert.deepEqual(levels([0.6931, 0.6934], "nats"), ["0.6931", "0.6934"]);
  assert.deepEqual(levels([2e30, 1e30], ""), ["2e30", "1e30"]);
  assert.deepEqual(levels([0.71312, 0.71318], "share"), ["71.312 %", "71.318 %"]);
  const { low, high } = around(1e16, 1e16 + 2, 0);
  assert.ok(high - low >= 1e11 && low < 1e16 && high > 1e16 + 2);
  assert.deepEqual(around(2, 2, 0), { low: 2, high: 2 });
});

test("very large and very small figures are read in powers of ten", () => {
  const figure = (mean: number, half: number): Figure => ({ before: mean, after: 2 * mean, mean, low: mean - half, high: mean + half, wide: null, says: "open", tested: null, seeds: [0, 1] });
  assert.deepEqual(read(figure(1e30, 5e29), ""), { change: "1e30 → 2e30", mean: "+1e30", interval: "[+5e29, +1.5e30]" });
  assert.deepEqual(read(figure(1e-30, 5e-31), ""), { change: "1e-30 → 2e-30", mean: "+1e-30", interval: "[+5e-31, +1.5e-30]" });
  assert.equal(level(0, ""), "0.00000");
});
