// Inside the network: a tensor's values over epochs, arms side by side on one scale; single histograms on demand.

import { looks } from "./colour.ts";
import { bytes, type Ribbon } from "./data.ts";
import { h, s } from "./dom.ts";
import { heatMaps } from "./heat.ts";
import { section, type Built, type Panel } from "./panel.ts";
import { short } from "./slopes.ts";
import type { Page } from "./state.ts";
import { show } from "./stats.ts";
import { around, labels, roomFor, ticks } from "./ticks.ts";

const [WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [260, 150, 46, 252, 8, 128];
const LEVELS = 5;

export const inside: Panel = { id: "inside", build };

function build(page: Page): Built | null {
  const { ribbons, histograms } = page.data;
  if (ribbons.length === 0) return null;
  const layers = [...new Set(ribbons.map((item) => item.layer))];
  const sorted = [...layers.filter((name) => !name.endsWith("bias")), ...layers.filter((name) => name.endsWith("bias"))];
  const layer = h("select", { id: "layer" }, ...sorted.map((name) => h("option", { value: name }, name)));
  const kind = h("select", { id: "kind" }, ...["parameter", "gradient"].map((name) => h("option", { value: name }, page.say(`kind.${name}`))));
  const box = h("div", { class: "maps" });
  const maps = h("div", { class: "maps" });
  const single = h("details", { ontoggle: () => draw() }, h("summary", {}, page.say("histograms.maps")), h("p", { class: "hint" }, page.say("histograms.axis")), maps);
  const draw = () => {
    const chosen = ribbons.filter((item) => item.layer === layer.value && item.kind === kind.value);
    const { low, high } = limits(chosen);
    box.replaceChildren(...chosen.map((item) => ribbon(page, item, low, high)));
    if (single.open) maps.replaceChildren(...heatMaps(page, histograms.filter((item) => item.layer === layer.value && item.kind === kind.value)));
  };
  if (layers.includes(page.state.layer)) layer.value = page.state.layer;
  kind.value = page.state.kind;
  layer.onchange = kind.onchange = () => {
    page.state.layer = layer.value;
    page.state.kind = kind.value;
    draw();
    page.tell("choice");
  };
  draw();
  return {
    element: section(
      page,
      "inside",
      "histograms.title",
      page.say("histograms.hint"),
      h("div", { class: "controls" }, h("label", {}, page.say("layer"), layer), h("label", {}, page.say("kind"), kind)),
      box,
      histograms.length > 0 ? single : null,
    ),
  };
}

const quantiles = (item: Ribbon): Float32Array => new Float32Array(bytes(item.quantiles).buffer);

/** One scale for all arms. */
function limits(items: Ribbon[]): { low: number; high: number } {
  let low = Infinity;
  let high = -Infinity;
  for (const item of items) for (const value of quantiles(item)) if (Number.isFinite(value)) [low, high] = [Math.min(low, value), Math.max(high, value)];
  if (!(high > low)) return Number.isFinite(low) ? around(low, low, 1) : { low: 0, high: 1 };
  return around(low, high, 0);
}

function ribbon(page: Page, item: Ribbon, low: number, high: number): HTMLElement {
  const found = quantiles(item);
  const count = item.epochs.length;
  const [first, last] = [item.epochs[0]!, item.epochs.at(-1)!];
  const steps = ticks(low, high, 3);
  const beside = labels(steps);
  const left = roomFor(beside, LEFT);
  const px = (epoch: number) => (last > first ? left + ((epoch - first) / (last - first)) * (RIGHT - left) : (left + RIGHT) / 2);
  const py = (value: number) => BOTTOM - ((value - low) / (high - low)) * (BOTTOM - TOP);
  const at = (epoch: number, level: number) => found[epoch * LEVELS + level]!;
  const known = item.epochs.map((epoch, i) => ({ epoch, i })).filter(({ i }) => Number.isFinite(at(i, 2)));
  const area = (from: number, to: number) => [...known.map(({ epoch, i }) => `${px(epoch).toFixed(1)},${py(at(i, to)).toFixed(1)}`), ...[...known].reverse().map(({ epoch, i }) => `${px(epoch).toFixed(1)},${py(at(i, from)).toFixed(1)}`)].join(" ");
  const all = looks(page);
  const colour = page.state.groupBy === "arm.name" ? all[page.groups().indexOf(item.arm)]!.colour : "var(--accent)";
  const label = page.say("histograms.ribbon", { arm: item.arm, middle: show(at(count - 1, 2)), low: show(at(count - 1, 0)), high: show(at(count - 1, 4)) });
  const picture = s("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "ribbon", role: "img", "aria-label": label, "data-arm": item.arm }, s("title", {}, label));
  steps.forEach((value, i) => picture.append(s("line", { x1: left, x2: RIGHT, y1: py(value), y2: py(value), class: "rule" }), s("text", { x: left - 5, y: py(value) + 4, "text-anchor": "end" }, beside[i]!)));
  picture.append(
    s("polygon", { points: area(0, 4), fill: colour, "fill-opacity": 0.18 }),
    s("polygon", { points: area(1, 3), fill: colour, "fill-opacity": 0.35 }),
    s("polyline", { points: known.map(({ epoch, i }) => `${px(epoch).toFixed(1)},${py(at(i, 2)).toFixed(1)}`).join(" "), fill: "none", stroke: colour, "stroke-width": 2 }),
    s("text", { x: left, y: HEIGHT - 6, "text-anchor": "start" }, String(first)),
    s("text", { x: RIGHT, y: HEIGHT - 6, "text-anchor": "end" }, String(last)),
  );
  return h("figure", { class: "map" }, h("figcaption", {}, h("bdi", {}, short(item.arm, 28))), picture);
}
