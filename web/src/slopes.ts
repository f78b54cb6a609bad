// Before and after, one line per seed: how far the arm moves each training.

import type { Line } from "./data.ts";
import { h, s } from "./dom.ts";
import { level } from "./format.ts";
import type { Page } from "./state.ts";
import { around, levels, roomFor } from "./ticks.ts";

const [WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [220, 124, 64, 160, 10, 98];

/** One measure: each seed from the baseline (left) to the shown arm (right), at the epoch where training ends. */
export function slope(page: Page, line: Line): HTMLElement {
  const { baseline } = page.data.experiment;
  const { arm, stop } = page.state;
  const place = stop ?? page.stops.epochs.length - 1;
  const figure = page.figure(line);
  const pairs = figure.seeds
    .map((seed) => ({ seed, before: page.stops.run(line, baseline, seed, place), after: page.stops.run(line, arm, seed, place) }))
    .filter((pair) => Number.isFinite(pair.before) && Number.isFinite(pair.after));
  const all = pairs.flatMap((pair) => [pair.before, pair.after]);
  const { low, high } = around(Math.min(...all), Math.max(...all), 0);
  const ends = [...new Set([high, low])];
  const beside = levels(ends, line.unit);
  const left = roomFor(beside, LEFT);
  const at = (value: number) => (high > low ? BOTTOM - ((value - low) / (high - low)) * (BOTTOM - TOP) : (TOP + BOTTOM) / 2);
  const way = (pair: { before: number; after: number }) => (pair.after === pair.before ? "same" : (pair.after - pair.before) * line.better > 0 ? "up" : "down");
  const name = page.line(line);
  const label = `${name}: ${pairs.map((pair) => `${level(pair.before, line.unit)} → ${level(pair.after, line.unit)}`).join("; ")}`;
  const picture = s("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": label, class: "slope", "data-endpoint": line.endpoint });
  for (const pair of pairs) {
    const drawn = s("g", { class: way(pair) }, s("title", {}, `${page.say("table.seed")} ${pair.seed}: ${level(pair.before, line.unit)} → ${level(pair.after, line.unit)}`));
    drawn.append(s("line", { x1: left, x2: RIGHT, y1: at(pair.before), y2: at(pair.after) }), s("circle", { cx: left, cy: at(pair.before), r: 2.5, class: "base" }), s("circle", { cx: RIGHT, cy: at(pair.after), r: 2.5 }));
    picture.append(drawn);
  }
  const mark = (x: number, y: number, text: string, anchor: string) => s("text", { x, y, "text-anchor": anchor }, text);
  if (pairs.length > 0) {
    ends.forEach((value, i) => picture.append(mark(left - 8, at(value) + 4, beside[i]!, "end")));
    picture.append(mark(left, HEIGHT - 4, short(baseline), "middle"), mark(RIGHT, HEIGHT - 4, short(arm), "middle"));
  }
  return h("figure", { class: "sloped" }, h("figcaption", {}, name), pairs.length > 0 ? picture : h("p", { class: "hint" }, page.say("nothing")));
}

/** A name that fits under a line. */
export function short(name: string, most = 15): string {
  const letters = [...name];
  return letters.length > most ? `${letters.slice(0, most - 1).join("")}…` : name;
}
