// One chart: uPlot with a mean per group, what lies around it, hover, zoom, keyboard and files.

import uPlot from "uplot";
import { logTicks, range, wholeTicks } from "./axes.ts";
import { looks, type Look } from "./colour.ts";
import { curves, type Curves } from "./curves.ts";
import { h, save } from "./dom.ts";
import { above, beneath, type Shown } from "./layers.ts";
import { last, lowest, nearest } from "./places.ts";
import { term } from "./panel.ts";
import { toPng } from "./png.ts";
import type { Page } from "./state.ts";
import { decimate } from "./stats.ts";
import { toSvg } from "./svg.ts";
import { labels, roomFor, ticks } from "./ticks.ts";
import { told } from "./tip.ts";
import { touch } from "./touch.ts";
import { soon } from "./turns.ts";

const HEIGHT = 240;
const MANY = 40; // lines in a chart, above which each is drawn at half the resolution
const FULL = 4; // groups, above which only some have bands and runs
const NAMES = 96; // pixels for names at line ends
const NAMED = 12; // coloured groups, above which no more names fit

export class Chart {
  readonly element: HTMLElement;
  readonly metric: string;
  private readonly page: Page;
  private readonly box: HTMLElement;
  private readonly tip: HTMLElement;
  private readonly onZoom: () => void;
  private plot: uPlot | null = null;
  private found: Curves | null = null;
  private shown: Shown | null = null;
  private look: Look[] = [];
  private seen = false;
  private stale = true;

  constructor(page: Page, metric: string, onZoom: () => void) {
    this.page = page;
    this.metric = metric;
    this.onZoom = onZoom;
    const name = page.metric(metric);
    this.box = h("div", { class: "plot", tabindex: 0, role: "img", "aria-label": name, onkeydown: (event) => this.key(event as KeyboardEvent) });
    this.tip = h("div", { class: "tip", role: "status", "aria-live": "polite", hidden: true });
    const button = (kind: string, action: () => void) =>
      h("button", { type: "button", "data-download": kind, "aria-label": `${page.say("download")} ${kind.toUpperCase()}: ${name}`, onclick: action }, kind.toUpperCase());
    const titled = term(page, `${name}${page.unit(metric) === "share" ? " (%)" : ""}`, `term.${metric === "gap" ? "gap" : metric.split("_")[0]}`);
    this.element = h(
      "figure",
      { class: "panel", "data-metric": metric },
      h("figcaption", {}, titled, h("span", { class: "downloads" }, button("png", () => this.png()), button("svg", () => this.svg()))),
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
    const pointed = this.plot?.over.matches(":hover") ? { left: this.plot.cursor.left!, top: this.plot.cursor.top! } : null;
    this.destroy();
    this.tip.hidden = true;
    const { page } = this;
    const { state } = page;
    const width = Math.max(240, this.box.clientWidth);
    this.found = curves(page, this.metric);
    const { x, runs, groups } = this.found;
    this.describe();
    if (x.length === 0) {
      this.box.replaceChildren(h("p", { class: "empty" }, page.say("nothing")));
      return;
    }
    this.box.replaceChildren();
    const all = looks(page);
    this.look = groups.map((group) => all[group.index]!);
    const places = new Map(groups.map((group, place) => [group.index, place]));
    const { zoom, log } = state;
    const from = zoom ? Math.max(0, lowest(x, zoom[0]) - 1) : 0;
    const to = zoom ? Math.min(x.length, lowest(x, zoom[1]) + 2) : x.length;
    const sources = [...groups.flatMap((group) => [group.band.mean, group.band.low, group.band.high, ...(group.raw ? [group.raw] : [])]), ...runs.map((run) => run.y)];
    const each = groups[0]?.raw ? 4 : 3;
    const cut = decimate(x.subarray(from, to), sources.map((column) => column.subarray(from, to)), Math.round(width / (sources.length > MANY ? 4 : 2)));
    const of = (part: number) => groups.map((_, place) => cut.columns[place * each + part]!);
    const full = groups.map((group) => groups.length <= FULL || (state.groupBy === "arm.name" && group.name === state.arm));
    const own = runs.map((run, i) => ({ place: places.get(run.group)!, y: cut.columns[groups.length * each + i]! }));
    const shown: Shown = {
      groups,
      looks: this.look,
      cut: { x: cut.x, means: of(0), lows: of(1), highs: of(2), raws: groups.map((group, place) => (group.raw ? cut.columns[place * each + 3]! : null)), runs: own },
      full,
      bands: state.bands,
      seeds: state.seeds,
      isolated: null,
      turns: groups.map((group) => page.turn(this.metric, group.name)),
      names: groups.length > 1 && this.look.filter((look) => !look.rest).length <= NAMED && width > 300,
    };
    this.shown = shown;
    const share = page.unit(this.metric) === "share";
    const measured = [...shown.cut.means, ...(state.seeds ? own.filter((run) => full[run.place]).map((run) => run.y) : [])];
    const bounds = range(measured, 0, cut.x.length, { log, outliers: state.outliers, share });
    const style = getComputedStyle(document.documentElement);
    const ink = style.getPropertyValue("--soft").trim();
    const axis: uPlot.Axis = { stroke: ink, grid: { stroke: style.getPropertyValue("--grid").trim(), width: 1 }, ticks: { show: false }, font: "12px system-ui, sans-serif" };
    const whole = state.axis !== "time";
    const factor = share ? 100 : 1;
    this.plot = new uPlot(
      {
        width,
        height: HEIGHT,
        padding: [10, shown.names ? NAMES : 12, 0, 0],
        series: [{}, ...this.look.map((look) => ({ stroke: look.colour, width: look.rest ? 1 : 2, dash: look.dash, points: { show: x.length < 3 } }))],
        legend: { show: false },
        scales: {
          x: { time: false, ...(zoom ? { min: zoom[0], max: zoom[1] } : {}) },
          y: { distr: log ? 3 : 1, range: () => [bounds.low, bounds.high] },
        },
        axes: [
          { ...axis, size: 24, label: page.say(`x.${state.axis}`), labelSize: 20, labelFont: "12px system-ui, sans-serif", ...(whole ? { splits: (_, __, low, high) => wholeTicks(low, high), values: (_, found) => found.map(String) } : {}) },
          { ...axis, size: (_, found) => roomFor(found ?? [], 58), splits: () => (log ? logTicks(bounds.low, bounds.high) : ticks(bounds.low * factor, bounds.high * factor).map((value) => value / factor)), filter: (_, found) => found, values: (_, found) => labels(found.map((value) => value * factor)) },
        ],
        cursor: { y: false, points: { show: false }, sync: { key: "droplab" }, drag: { x: true, y: false, setScale: false } },
        hooks: {
          setCursor: [(plot) => this.hover(plot)],
          setSelect: [(plot) => this.select(plot)],
          drawAxes: [(plot) => beneath(plot, shown)],
          draw: [(plot) => above(plot, shown)],
          ready: [(plot) => plot.over.addEventListener("dblclick", () => this.zoomTo(null)), touch],
        },
      },
      [Array.from(cut.x), ...shown.cut.means.map((column) => Array.from(column, (value) => (Number.isNaN(value) || (log && value <= 0) ? null : value)))] as uPlot.AlignedData,
      this.box,
    );
    if (pointed) this.plot.setCursor(pointed);
  }

  private describe(): void {
    const { page } = this;
    const ends = this.found!.groups.map((group) => `${group.name}: ${page.amount(this.metric, last(group.band.mean))}`).join("; ");
    this.box.setAttribute("aria-label", page.say("chart.label", { metric: page.metric(this.metric), ends: ends || page.say("nothing") }));
  }

  /** Show one group with its band and runs; the others stay, paler. */
  isolate(place: number | null): void {
    if (!this.plot || !this.shown || this.shown.isolated === place) return;
    this.shown.isolated = place;
    this.plot.series.forEach((series, i) => {
      if (i > 0) series.alpha = place === null || place === i - 1 ? 1 : 0.35;
    });
    this.plot.redraw(false, false);
  }

  /** Show the group of that index among all groups. */
  isolateGroup(index: number | null): void {
    const place = this.found?.groups.findIndex((group) => group.index === index) ?? -1;
    this.isolate(place < 0 ? null : place);
  }

  private hover(plot: uPlot): void {
    const { left, top } = plot.cursor;
    if (!this.found || left === undefined || left === null || left < 0) {
      this.tip.hidden = true;
      this.isolate(null);
      return;
    }
    const index = Math.min(this.found.x.length - 1, Math.max(0, nearest(this.found.x, plot.posToVal(left, "x"))));
    const here = (plot.cursor as { event?: Event | null }).event != null || plot.over.matches(":hover");
    let place: number | null = null;
    if (here && top !== undefined && top !== null && this.found.groups.length > 1) {
      const away = (at: number) => Math.abs(plot.valToPos(this.found!.groups[at]!.band.mean[index]!, "y") - top);
      for (let i = 0; i < this.found.groups.length; i++) if (!Number.isNaN(away(i)) && (place === null || away(i) < away(place))) place = i;
      if (place !== null && away(place) > 60) place = null;
    }
    this.isolate(place);
    this.tell(index, here ? left : null, place, top ?? 0);
  }

  /** The tooltip; where the reader only looks at another chart it stays away. */
  private tell(index: number, left: number | null, place: number | null, top: number): void {
    const { page } = this;
    this.tip.hidden = left === null;
    if (left === null || !this.plot) return;
    this.tip.replaceChildren(...told(page, this.found!, this.look, index, this.metric, place, this.seed(index, place, top)));
    const right = left > this.plot.over.clientWidth / 2;
    this.tip.classList.toggle("left", right);
    this.tip.style.left = right ? "" : `${this.plot.over.offsetLeft + left + 24}px`;
    this.tip.style.right = right ? `${this.box.clientWidth - this.plot.over.offsetLeft - left + 24}px` : "";
  }

  /** The run that is nearest to the mouse, by its seed. */
  private seed(index: number, place: number | null, top: number): string | null {
    if (place === null || !this.page.state.seeds || !this.plot) return null;
    const group = this.found!.groups[place]!;
    const near = this.found!.runs
      .filter((run) => run.group === group.index && !Number.isNaN(run.y[index]!))
      .map((run) => ({ run, away: Math.abs(this.plot!.valToPos(run.y[index]!, "y") - top) }))
      .sort((a, b) => a.away - b.away)[0];
    return near ? `${this.page.say("table.seed")} ${near.run.run.seed}: ${this.page.amount(this.metric, near.run.y[index]!)}` : null;
  }

  private select(plot: uPlot): void {
    const { left, width } = plot.select;
    if (width > 4) this.zoomTo([plot.posToVal(left, "x"), plot.posToVal(left + width, "x")]);
  }

  private zoomTo(to: [number, number] | null): void {
    this.page.state.zoom = to;
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
      const left = this.plot.valToPos(x[next]!, "x");
      this.plot.setCursor({ left, top: 10 });
      this.tell(next, left, null, 0);
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
    if (!this.found) return;
    void toPng(toSvg(this.found, this.page, this.metric)).then((blob) => save(this.file("png"), blob));
  }

  private svg(): void {
    if (this.found) save(this.file("svg"), new Blob([toSvg(this.found, this.page, this.metric)], { type: "image/svg+xml" }));
  }
}

