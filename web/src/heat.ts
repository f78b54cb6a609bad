// Histograms of parameters and gradients over epochs, as a heat map.

import { isDark } from "./colour.ts";
import { bytes, type Histogram } from "./data.ts";
import { h } from "./dom.ts";
import type { Page } from "./state.ts";
import { show } from "./stats.ts";

interface Bounds {
  low: number;
  high: number;
}

const BINS = 64;
const ROWS = 128;

/** Shares of the fullest bin on one value axis for all epochs and runs: `cells[row * epochs + column]`, row 0 at the top. */
export function grid(edges: Float32Array, shares: Uint8Array, rows: number, range: Bounds): { cells: Float32Array; low: number; high: number } {
  const epochs = edges.length / 2;
  const { low, high } = range;
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

/** One map for each run, all on one range of values. */
export function heatMaps(page: Page, items: Histogram[]): HTMLElement[] {
  const { runs } = page.data;
  const edges = items.map((item) => new Float32Array(bytes(item.edges).buffer));
  const low = Math.min(...edges.flatMap((one) => [...one].filter(Number.isFinite)));
  const high = Math.max(...edges.flatMap((one) => [...one].filter(Number.isFinite)));
  return items.map((item, i) => map(page, item, edges[i]!, { low, high }, `${runs[item.run]!.arm} · ${page.say("table.seed")} ${runs[item.run]!.seed}`));
}

function map(page: Page, item: Histogram, edges: Float32Array, range: Bounds, name: string): HTMLElement {
  const found = grid(edges, bytes(item.shares), ROWS, range);
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
