import assert from "node:assert/strict";
import { test } from "node:test";
import { metricNames, unpack, values, type Measures, type Payload, type Run } from "../src/data.ts";
import { grid } from "../src/heat.ts";
import { counted } from "../src/images.ts";
import { Page } from "../src/state.ts";
import { ticks } from "../src/ticks.ts";
import { escapeXml } from "../src/svg.ts";
import { columns, sorted } from "../src/table.ts";

const pack = (numbers: number[]) => ({ b: Buffer.from(Float64Array.from(numbers).buffer).toString("base64") });
const run = (arm: string, losses: number[]): Run => ({ arm, seed: 0, state: "done", reason: "", epochs: losses.length, fields: {}, metrics: { val_loss: pack(losses), "p/drop1": { c: 0.5, n: losses.length } } });

const measures: Measures = { first: ["val_loss", "gap"], drawn: ["val_loss"], columns: ["val_loss"], best: "val_loss", better: "lower", units: {} };
const shown = columns(measures);

test("series come back to the bit", () => {
  const numbers = [0.1, Math.PI, 1e-300, NaN];
  assert.deepEqual([...unpack(pack(numbers))], numbers);
  assert.deepEqual([...unpack({ c: 0.5, n: 3 })], [0.5, 0.5, 0.5]);
  assert.equal(unpack(undefined).length, 0);
  const one = run("a", [1, 2]);
  assert.equal(values(one, "val_loss"), values(one, "val_loss"));
});

test("metrics of the measures come first", () => {
  assert.deepEqual(metricNames([run("a", [1])], measures.first), ["val_loss", "p/drop1"]);
});

test("a number has the word that goes with it", () => {
  const page = new Page({ lang: "en", runs: [], measures, effects: [], recommended: "a", experiment: { arms: ["a"], baseline: "a" }, stops: { epochs: [], lines: [], figures: [], runs: {} }, words: { en: { told: "{done} of {all:run is|runs are} done" } } } as unknown as Payload);
  assert.equal(page.say("told", { done: 0, all: 1 }), "0 of 1 run is done");
  assert.equal(page.say("told", { done: 1, all: 2 }), "1 of 2 runs are done");
});

test("rows sort both ways, runs without a value last", () => {
  const runs = [run("b", [3]), run("a", [1]), run("c", [])];
  assert.deepEqual(sorted(runs, "val_loss", false, shown).map((r) => r.arm), ["a", "b", "c"]);
  assert.deepEqual(sorted(runs, "val_loss", true, shown).map((r) => r.arm), ["b", "a", "c"]);
  assert.deepEqual(sorted(runs, "arm", true, shown).map((r) => r.arm), ["c", "b", "a"]);
  assert.equal(sorted(runs, "", false, shown), runs);
});

test("the best value is the highest where higher is better", () => {
  const best = (better: "lower" | "higher") => columns({ ...measures, better }).find((item) => item.key === "best")!.value(run("a", [1, NaN, 3, 2]));
  assert.equal(best("lower"), 1);
  assert.equal(best("higher"), 3);
  assert.equal(columns({ ...measures, best: "" }).find((item) => item.key === "best"), undefined);
});

test("a heat map puts each epoch's bins on one axis", () => {
  const shares = new Uint8Array(128);
  shares[63] = 255; // first epoch, highest bin: values up to 1
  shares[64] = 255; // second epoch, lowest bin: values from 0
  const found = grid(Float32Array.of(0, 1, 0, 2), shares, 128, { low: 0, high: 2 });
  assert.deepEqual([found.low, found.high], [0, 2]);
  const column = (c: number) => Array.from({ length: 128 }, (_, row) => found.cells[row * 2 + c]!);
  assert.equal(column(0).indexOf(1), 64);
  assert.equal(column(1).lastIndexOf(1), 127);
});

test("text for SVG is text", () => {
  assert.equal(escapeXml(`<script>"&'`), "&lt;script&gt;&quot;&amp;&apos;");
  assert.equal(escapeXml("a\u0000b"), "ab");
  assert.deepEqual(ticks(0, 1).map((v) => Number(v.toFixed(6))), [0, 0.2, 0.4, 0.6, 0.8, 1]);
});

test("predicted classes are counted", () => {
  assert.equal(counted(["dog", "cat", "cat"]), "cat ×2, dog");
});
