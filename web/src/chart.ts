// One chart: uPlot with thin lines per run, a mean and a 95 % band per group, hover, zoom and keyboard.

import uPlot from "uplot";
import { colour, dash, faint } from "./colour.ts";
import { curves, type Curves } from "./curves.ts";
import { h, save } from "./dom.ts";
import type { Page } from "./state.ts";
import { decimate, floor, show, tick } from "./stats.ts";
import { toSvg } from "./svg.ts";

const HEIGHT = 240;
const MANY = 40; // lines in a chart, above which each is drawn at half the resolution
const BUDGET = 8; // milliseconds of drawing before the reader gets a word in
type Column = (number | null | undefined)[];

export class Chart {
  readonly element: HTMLElement;
  readonly metric: string;
  private readonly page: Page;
  private readonly box: HTMLElement;
  private readonly tip: HTMLElement;
  private readonly onZoom: () => void;
  private plot: uPlot | null = null;
  private found: Curves | null = null;
  private seen = false;
  private stale = true;

  constructor(page: Page, metric: string, onZoom: () => void) {
    this.page = page;
    this.metric = metric;
    this.onZoom = onZoom;
    this.box = h("div", { class: "plot", tabindex: 0, role: "img", "aria-label": page.metric(metric), onkeydown: (event) => this.key(event as KeyboardEvent) });
    this.tip = h("div", { class: "tip", role: "status", "aria-live": "polite" });
    const name = page.metric(metric);
    const button = (kind: string, action: () => void) =>
      h("button", { type: "button", "data-download": kind, "aria-label": `${page.say("download")} ${kind.toUpperCase()}: ${name}`, onclick: action }, kind.toUpperCase());
    this.element = h(
      "figure",
      { class: "panel", "data-metric": metric },
      h("figcaption", {}, h("span", {}, name), h("span", { class: "downloads" }, button("png", () => this.png()), button("svg", () => this.svg()))),
      this.box,
      this.tip,
    );
  }

  /** Draw now if on screen, else when it comes on screen. */
  refresh(): void {
    this.stale = true;
    if (this.seen) soon(this);
  }

  /** Draw if that is still wanted. */
  drawIfStale(): void {
    if (this.seen && this.stale) this.draw();
  }

  appear(visible: boolean): void {
    this.seen = visible;
    if (visible && this.stale) soon(this);
  }

  destroy(): void {
    this.plot?.destroy();
    this.plot = null;
  }

  draw(): void {
    this.stale = false;
    this.destroy();
    const { page } = this;
    const width = Math.max(240, this.box.clientWidth);
    this.found = curves(page, this.metric);
    const { x, runs, groups } = this.found;
    this.describe();
    if (x.length === 0) {
      this.box.replaceChildren(h("p", { class: "empty" }, page.say("nothing")));
      return;
    }
    this.box.replaceChildren();
    const series: uPlot.Series[] = [{}];
    const columns: ArrayLike<number>[] = [];
    const lows = new Set<number>();
    const bands: uPlot.Band[] = [];
    if (page.state.seeds) {
      for (const run of runs) {
        columns.push(run.y);
        series.push({ stroke: faint(colour(run.group), groups.length < runs.length ? 0.35 : 0), width: 1, points: { show: false } });
      }
    }
    for (const group of groups) {
      if (page.state.bands) {
        lows.add(columns.push(group.band.high, group.band.low) - 1);
        const edge = { stroke: "transparent", width: 0, points: { show: false } };
        series.push(edge, { ...edge });
        bands.push({ series: [series.length - 2, series.length - 1], fill: faint(colour(group.index), 0.18) });
      }
      columns.push(group.band.mean);
      series.push({ stroke: colour(group.index), width: 2, dash: dash(group.index), points: { show: x.length < 3 } });
    }
    const zoom = page.state.zoom;
    const from = zoom ? Math.max(0, lowest(x, zoom[0]) - 1) : 0;
    const to = zoom ? Math.min(x.length, lowest(x, zoom[1]) + 2) : x.length;
    const cut = decimate(x.subarray(from, to), columns.map((column) => (column as Float64Array).subarray(from, to)), Math.round(width / (columns.length > MANY ? 4 : 2)));
    const bottom = page.state.log ? floor(cut.columns.filter((_, index) => !lows.has(index))) : -Infinity;
    const clean = (column: ArrayLike<number>, index: number): Column =>
      Array.from({ length: cut.x.length }, (_, i) => {
        const value = lows.has(index) ? Math.max(column[i]!, bottom) : column[i];
        return value === undefined || Number.isNaN(value) || (page.state.log && value <= 0) ? null : value;
      });
    const style = getComputedStyle(document.documentElement);
    const ink = style.getPropertyValue("--ink").trim();
    const axis: uPlot.Axis = { stroke: ink, grid: { stroke: style.getPropertyValue("--grid").trim(), width: 1 }, ticks: { show: false }, font: "12px system-ui, sans-serif" };
    this.plot = new uPlot(
      {
        width,
        height: HEIGHT,
        series,
        bands,
        legend: { show: false },
        scales: { x: { time: false, ...(zoom ? { min: zoom[0], max: zoom[1] } : {}) }, y: { distr: page.state.log ? 3 : 1 } },
        axes: [
          { ...axis, size: 24, label: page.say(`x.${page.state.axis}`), labelSize: 20, labelFont: "12px system-ui, sans-serif" },
          { ...axis, size: 58, values: (_, ticks) => ticks.map((value) => (value === null ? "" : tick(value))) },
        ],
        cursor: { sync: { key: "droplab" }, drag: { x: true, y: false, setScale: false }, focus: { prox: 16 } },
        hooks: {
          setCursor: [(plot) => this.hover(plot)],
          setSelect: [(plot) => this.select(plot)],
          ready: [(plot) => plot.over.addEventListener("dblclick", () => this.zoomTo(null)), touch],
        },
      },
      [Array.from(cut.x), ...cut.columns.map(clean)] as uPlot.AlignedData,
      this.box,
    );
  }

  private describe(): void {
    const { page } = this;
    const ends = this.found!.groups.map((group) => `${group.name}: ${show(last(group.band.mean))}`).join("; ");
    this.box.setAttribute("aria-label", page.say("chart.label", { metric: page.metric(this.metric), ends: ends || page.say("nothing") }));
  }

  private hover(plot: uPlot): void {
    const left = plot.cursor.left;
    if (!this.found || left === undefined || left === null || left < 0) {
      this.tip.replaceChildren();
      return;
    }
    this.tell(Math.min(this.found.x.length - 1, Math.max(0, nearest(this.found.x, plot.posToVal(left, "x")))));
  }

  private tell(index: number): void {
    const { page } = this;
    const { x, groups } = this.found!;
    this.tip.replaceChildren(
      h("b", {}, `${page.say(`x.${page.state.axis}`)} ${show(x[index], 1)}`),
      ...groups.map((group) => {
        const half = (group.band.high[index]! - group.band.low[index]!) / 2;
        const spread = Number.isNaN(half) ? "" : ` ± ${show(half)}`;
        const swatch = h("i", { class: "swatch" });
        swatch.style.background = colour(group.index);
        return h("span", {}, swatch, `${group.name}: ${show(group.band.mean[index])}${spread} (n = ${group.band.n[index]})`);
      }),
    );
  }

  private select(plot: uPlot): void {
    const { left, width } = plot.select;
    if (width > 4) this.zoomTo([plot.posToVal(left, "x"), plot.posToVal(left + width, "x")]);
  }

  private zoomTo(range: [number, number] | null): void {
    this.page.state.zoom = range;
    this.onZoom();
  }

  private key(event: KeyboardEvent): void {
    if (!this.plot || !this.found) return;
    const { x } = this.found;
    const [low, high] = this.page.state.zoom ?? [x[0]!, x.at(-1)!];
    const at = this.plot.cursor.left != null && this.plot.cursor.left >= 0 ? this.plot.posToVal(this.plot.cursor.left, "x") : (low + high) / 2;
    const index = nearest(x, at);
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step !== undefined) {
      const next = Math.min(x.length - 1, Math.max(0, index + step));
      this.plot.setCursor({ left: this.plot.valToPos(x[next]!, "x"), top: 10 });
      this.tell(next);
    } else if (event.key === "+" || event.key === "=") this.zoomTo([at - (at - low) / 2, at + (high - at) / 2]);
    else if (event.key === "-") this.zoomTo(null);
    else if (event.key === "Escape") this.plot.setCursor({ left: -10, top: -10 });
    else return;
    event.preventDefault();
  }

  private file(kind: string): string {
    return `${this.page.data.experiment.name}-${this.metric}.${kind}`;
  }

  private png(): void {
    if (!this.plot) return;
    const source = this.plot.root.querySelector("canvas")!;
    const style = getComputedStyle(document.documentElement);
    const ratio = devicePixelRatio || 1;
    const canvas = h("canvas", { width: source.width, height: source.height + 28 * ratio });
    const pen = canvas.getContext("2d")!;
    pen.fillStyle = style.getPropertyValue("--paper").trim();
    pen.fillRect(0, 0, canvas.width, canvas.height);
    pen.fillStyle = style.getPropertyValue("--ink").trim();
    pen.font = `${14 * ratio}px system-ui, sans-serif`;
    pen.fillText(this.page.metric(this.metric), 8 * ratio, 19 * ratio);
    let left = 8 * ratio + pen.measureText(this.page.metric(this.metric)).width + 16 * ratio;
    for (const group of this.found!.groups) {
      pen.fillStyle = colour(group.index);
      pen.fillRect(left, 10 * ratio, 12 * ratio, 8 * ratio);
      pen.fillText(group.name, left + 16 * ratio, 19 * ratio);
      left += 32 * ratio + pen.measureText(group.name).width;
    }
    pen.drawImage(source, 0, 28 * ratio);
    canvas.toBlob((blob) => blob && save(this.file("png"), blob));
  }

  private svg(): void {
    if (!this.found) return;
    const text = toSvg(this.found, this.page, this.metric);
    save(this.file("svg"), new Blob([text], { type: "image/svg+xml" }));
  }
}

/** A finger that moves sideways marks a range, as the mouse does; up and down still scrolls the page. */
function touch(plot: uPlot): void {
  const { over } = plot;
  let start: number | null = null;
  const mark = (event: PointerEvent): void => {
    if (start === null) return;
    const end = Math.min(over.clientWidth, Math.max(0, event.clientX - over.getBoundingClientRect().left));
    plot.setCursor({ left: end, top: over.clientHeight / 2 });
    plot.setSelect({ left: Math.min(start, end), width: Math.abs(end - start), top: 0, height: over.clientHeight }, false);
  };
  over.style.touchAction = "pan-y";
  over.addEventListener("pointerdown", (event) => {
    start = event.pointerType === "mouse" ? null : event.clientX - over.getBoundingClientRect().left;
  });
  over.addEventListener("pointermove", (event) => mark(event));
  over.addEventListener("pointerup", (event) => {
    mark(event);
    if (start !== null) setTimeout(() => plot.setSelect(plot.select, true)); // first let the touch end where it began
    start = null;
  });
  over.addEventListener("pointercancel", () => {
    if (start !== null) plot.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
    start = null;
  });
}

const waiting = new Set<Chart>();
let busy = false;

/** Draw for a few moments per task, one chart at least, so that a reader's next choice never waits for all of them. */
function soon(chart: Chart): void {
  waiting.add(chart);
  if (busy) return;
  busy = true;
  const next = (): void => {
    const began = performance.now();
    for (const first of waiting) {
      waiting.delete(first);
      first.drawIfStale();
      if (performance.now() - began > BUDGET) break;
    }
    busy = waiting.size > 0;
    document.getElementById("curves")?.setAttribute("aria-busy", String(busy));
    if (busy) setTimeout(next);
  };
  queueMicrotask(next);
}

function last(column: Float64Array): number {
  for (let i = column.length - 1; i >= 0; i--) if (!Number.isNaN(column[i]!)) return column[i]!;
  return NaN;
}

/** The first index whose x is at least `at`. */
function lowest(x: Float64Array, at: number): number {
  let low = 0;
  let high = x.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (x[middle]! < at) low = middle + 1;
    else high = middle;
  }
  return low;
}

function nearest(x: Float64Array, at: number): number {
  const right = Math.min(lowest(x, at), x.length - 1);
  return right > 0 && at - x[right - 1]! < x[right]! - at ? right - 1 : right;
}
