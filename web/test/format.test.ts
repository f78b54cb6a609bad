import assert from "node:assert/strict";
import { test } from "node:test";
import type { Figure } from "../src/figures.ts";
import { digits, fixed, level, read } from "../src/format.ts";
import { inline, markdown } from "../src/markdown.ts";
import { outside, scaleOf, share } from "../src/scale.ts";

const figure = (mean: number, half: number, before = 0.5): Figure => ({ before, after: before + mean, mean, low: mean - half, high: mean + half, wide: null, says: "open", tested: null, seeds: [0, 1] });

test("digits are those that the interval leaves", () => {
  assert.deepEqual(read(figure(0.0211, 0.03, 0.612), "nats"), { change: "0.612 → 0.633", mean: "+0.021", interval: "[−0.009, +0.051]" });
  assert.deepEqual(read(figure(0.0104, 0.011, 0.769), "share"), { change: "76.9 → 77.9 %", mean: "+1.0 pp", interval: "[−0.1, +2.1]" });
  assert.equal(read(figure(8.2, 5.1, 10.6), "epochs").mean, "+8.2");
  assert.equal(read(figure(0.15, 1e-9), "").mean, "+0.1500");
  assert.equal(read(figure(2000.05, 0.5), "").mean, "+2000");
  assert.equal(read(figure(NaN, NaN, NaN), "nats").mean, "–");
  assert.equal(read({ ...figure(0.5, NaN), low: NaN, high: NaN }, "nats").interval, "");
  assert.equal(digits(0, 0), 2);
});

test("a zero has no sign, a minus is one", () => {
  assert.equal(fixed(-1e-9, 3, true), "0.000");
  assert.equal(fixed(-0.5, 1, true), "−0.5");
  assert.equal(level(0.7788, "share"), "77.9 %");
});

test("one arm far off does not squeeze the others, and zero is on the scale", () => {
  const scale = scaleOf([0.01, 0.02, 0.03, 0.02, 0.04, 1.4].map((mean) => figure(mean, 0.01)));
  assert.ok(scale.low < 0 && scale.high < 0.1);
  assert.equal(outside(scale, 1.4), 1);
  assert.equal(share(scale, 1.4), 1);
  assert.equal(outside(scale, 0.02), 0);
});

test("text that looks like markup stays text", () => {
  assert.deepEqual(inline("a <b>x</b> [y](javascript:alert(1))"), ["a <b>x</b> [y](javascript:alert(1))"]);
  assert.equal(markdown("").length, 0);
});
