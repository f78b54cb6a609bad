// Histograms of parameters and gradients over epochs, as a heat map.

import { isDark } from "./colour.ts";
import { bytes, type Histogram } from "./data.ts";
import { h } from "./dom.ts";
import { section, type Built, type Panel } from "./panel.ts";
import type { Page } from "./state.ts";
import { show } from "./stats.ts";

const BINS = 64;
const ROWS = 128;

/** Shares of the fullest bin on one value axis for all epochs: `cells[row * epochs + column]`, row 0 at the top. */
export function grid(edges: Float32Array, shares: Uint8Array, rows: number): { cells: Float32Array; low: number; high: number } {
  const epochs = edges.length / 2;
  let low = Infinity;
  let high = -Infinity;
  for (let i = 0; i < epochs; i++) {
    low = Math.min(low, edges[2 * i]!);
    high = Math.max(high, edges[2 * i + 1]!);
  }
  const cells = new Float32Array(rows * epochs);
  for (let column = 0; column < epochs; column++) {
    const [from, to] = [edges[2 * column]!, edges[2 * column + 1]!];
    for (let row = 0; row < rows; row++) {
      const value = high - ((row + 0.5) / rows) * (high - low);
      const bin = Math.floor(((value - from) / (to - from)) * BINS);
      if (bin >= 0 && bin < BINS) cells[row * epochs + column] = shares[column * BINS + bin]! / 255;
    }
  }
  return { cells, low, high };
}

export const inside: Panel = { id: "inside", build };

function build(page: Page): Built | null {
  const { histograms, runs } = page.data;
  if (histograms.length === 0) return null;
  const names = [...new Set(histograms.map((item) => item.layer))];
  const layers = [...names.filter((name) => !name.endsWith("bias")), ...names.filter((name) => name.endsWith("bias"))];
  const indexes = [...new Set(histograms.map((item) => item.run))];
  const layer = h("select", { id: "layer" }, ...layers.map((name) => h("option", { value: name }, name)));
  const kind = h("select", { id: "kind" }, ...["parameter", "gradient"].map((name) => h("option", { value: name }, page.say(`kind.${name}`))));
  const box = h("div", { class: "maps" });
  const draw = () =>
    box.replaceChildren(
      ...indexes
        .map((index) => histograms.find((item) => item.run === index && item.layer === layer.value && item.kind === kind.value))
        .filter((item): item is Histogram => item !== undefined)
        .map((item) => map(page, item, `${runs[item.run]!.arm} · ${page.say("table.seed")} ${runs[item.run]!.seed}`)),
    );
  if (layers.includes(page.state.layer)) layer.value = page.state.layer;
  kind.value = page.state.kind;
  layer.onchange = kind.onchange = () => {
    page.state.layer = layer.value;
    page.state.kind = kind.value;
    draw();
  };
  draw();
  const element = section(
    page,
    "inside",
    "histograms.title",
    page.say("histograms.hint"),
    h("div", { class: "controls" }, h("label", {}, page.say("layer"), layer), h("label", {}, page.say("kind"), kind)),
    box,
  );
  return { element };
}

function map(page: Page, item: Histogram, name: string): HTMLElement {
  const edges = new Float32Array(bytes(item.edges).buffer);
  const found = grid(edges, bytes(item.shares), ROWS);
  const columns = item.epochs.length;
  const canvas = h("canvas", { width: columns, height: ROWS, role: "img", "aria-label": page.say("histograms.label", { name, low: show(found.low), high: show(found.high), epochs: columns }) });
  const pen = canvas.getContext("2d")!;
  const pixels = pen.createImageData(columns, ROWS);
  const ink = isDark() ? [86, 180, 233] : [0, 64, 122];
  for (let i = 0; i < found.cells.length; i++) {
    pixels.data.set([ink[0]!, ink[1]!, ink[2]!, Math.round(255 * Math.sqrt(found.cells[i]!))], 4 * i);
  }
  pen.putImageData(pixels, 0, 0);
  const tip = h("span", { class: "tip", role: "status" });
  canvas.onpointermove = (event) => {
    const box = canvas.getBoundingClientRect();
    const column = Math.min(columns - 1, Math.max(0, Math.floor(((event.clientX - box.left) / box.width) * columns)));
    tip.textContent = `${page.say("x.epoch")} ${item.epochs[column]}: ${show(edges[2 * column])} … ${show(edges[2 * column + 1])}`;
  };
  return h(
    "figure",
    { class: "map" },
    h("figcaption", {}, h("bdi", {}, name)),
    h("div", { class: "frame" }, h("span", { class: "edge top" }, show(found.high, 3)), canvas, h("span", { class: "edge bottom" }, show(found.low, 3))),
    h("div", { class: "epochs" }, h("span", {}, String(item.epochs[0])), tip, h("span", {}, String(item.epochs.at(-1)))),
  );
}
