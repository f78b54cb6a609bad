import assert from "node:assert/strict";
import { test } from "node:test";
import { CARD, CATEGORIES, RAMP, ramp } from "../src/colour.ts";

type Triple = [number, number, number];

// Machado, Oliveira and Fernandes, IEEE TVCG 15 (2009), severity 1.0; they act on linear RGB.
const VISIONS: Record<string, number[][]> = {
  normal: [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
  protanopia: [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
  deuteranopia: [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
};

const linear = (colour: string): Triple => [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16) / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)) as Triple;
const times = (matrix: number[][], [r, g, b]: Triple): Triple => matrix.map((row) => row[0]! * r + row[1]! * g + row[2]! * b) as Triple;

/** CIE L*a*b* under D65. */
function lab(rgb: Triple): Triple {
  const clipped = rgb.map((c) => Math.min(1, Math.max(0, c))) as Triple;
  const xyz = times([[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.072175], [0.0193339, 0.119192, 0.9503041]], clipped);
  const [x, y, z] = xyz.map((value, i) => value / [0.95047, 1, 1.08883][i]!).map((t) => (t > 216 / 24389 ? Math.cbrt(t) : ((24389 / 27) * t + 16) / 116)) as Triple;
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}

const luminance = (colour: string): number => times([[0.2126, 0.7152, 0.0722], [0, 0, 0], [0, 0, 0]], linear(colour))[0];
const contrast = (a: string, b: string): number => (Math.max(luminance(a), luminance(b)) + 0.05) / (Math.min(luminance(a), luminance(b)) + 0.05);
const seen = (colour: string, vision: string): Triple => lab(times(VISIONS[vision]!, linear(colour)));
const apart = (a: Triple, b: Triple): number => Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);

test("the measure tells what is known of two colours", () => {
  assert.ok(Math.abs(apart(seen("#ffffff", "normal"), seen("#000000", "normal")) - 100) < 0.1);
  assert.ok(apart(seen("#aa4499", "protanopia"), seen("#7a5195", "protanopia")) < 10); // a pair that was used once
  assert.ok(Math.abs(contrast("#ffffff", "#000000") - 21) < 0.01);
});

for (const on of ["light", "dark"] as const) {
  for (const vision of Object.keys(VISIONS)) {
    test(`six colours stay apart: ${on}, ${vision}`, () => {
      const colours = CATEGORIES[on];
      assert.equal(colours.length, 6);
      for (const [i, a] of colours.entries()) for (const b of colours.slice(0, i)) assert.ok(apart(seen(a, vision), seen(b, vision)) >= 25, `${a} and ${b}`);
    });

    test(`a ramp of numbers is in order: ${on}, ${vision}`, () => {
      const steps = Array.from({ length: 6 }, (_, i) => seen(ramp(RAMP[on], i / 5), vision));
      for (let i = 1; i < steps.length; i++) {
        assert.ok(steps[i]![0] > steps[i - 1]![0], `step ${i} is lighter`);
        assert.ok(apart(steps[i]!, steps[i - 1]!) >= 12, `step ${i} is another colour`);
      }
    });
  }

  test(`every colour is seen on its card: ${on}`, () => {
    for (const colour of [...CATEGORIES[on], ...RAMP[on]]) assert.ok(contrast(colour, CARD[on]) >= 3, colour);
  });
}
