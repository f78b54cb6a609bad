// A small chart of means: in the list without axes, side by side with them.

import type { Curve } from "./boardlist.ts";
import { category } from "./colour.ts";
import { h, s } from "./dom.ts";
import type { Unit } from "./data.ts";
import { swatch } from "./swatch.ts";
import { around, levels, roomFor } from "./ticks.ts";

export interface Range {
  low: number;
  high: number;
  end: number; // the last epoch
}

const FAR = 2.5; // times as high as nearly all else: what is cut off

/** What holds all curves; first epochs that are far off do not set it alone. */
export function rangeOf(curves: Curve[], planned: number): Range {
  const all = curves.flatMap((curve) => curve.y.filter((value) => value !== null)).sort((a, b) => a - b);
  if (all.length === 0) return { low: 0, high: 1, end: Math.max(1, planned) };
  const at = (share: number) => all[Math.round(share * (all.length - 1))]!;
  const [low, usual] = [at(0), at(0.97)];
  const high = at(1) - low > FAR * (usual - low) ? usual : at(1);
  return { ...around(low, high, 0.06), end: Math.max(planned, ...curves.map((curve) => curve.x.at(-1) ?? 1)) };
}

export function small(curves: Curve[], range: Range, [width, height]: [number, number], name: string, axes: { unit: Unit; epochs: string } | null): SVGElement {
  const rules = [0.05, 0.5, 0.95].map((share) => range.low + share * (range.high - range.low));
  const beside = axes ? levels(rules, axes.unit) : [];
  const [left, bottom, top] = axes ? [roomFor(beside, 52), 22, 6] : [1, 1, 1];
  const x = (epoch: number) => left + ((epoch - 1) / Math.max(1, range.end - 1)) * (width - left - 4);
  const y = (value: number) => Math.max(top, Math.min(height - bottom, top + ((range.high - value) / (range.high - range.low)) * (height - bottom - top)));
  const picture = s("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": name, class: axes ? "small axes" : "small" });
  if (axes) {
    rules.forEach((value, i) => picture.append(s("line", { class: "rule", x1: left, x2: width, y1: y(value), y2: y(value) }), s("text", { x: left - 6, y: y(value) + 4, "text-anchor": "end" }, beside[i]!)));
    picture.append(s("text", { x: left, y: height - 5 }, "1"), s("text", { x: (left + width) / 2, y: height - 5, "text-anchor": "middle" }, axes.epochs), s("text", { x: width - 4, y: height - 5, "text-anchor": "end" }, String(range.end)));
  }
  curves.forEach((curve, place) => {
    const { colour, dash } = category(place);
    const points = curve.x.map((epoch, i) => [epoch, curve.y[i] ?? null] as const).filter((point): point is readonly [number, number] => point[1] !== null);
    const look = { stroke: colour, fill: "none", "stroke-width": axes ? 2 : 1.4, ...(dash.length > 0 && axes ? { "stroke-dasharray": dash.join(" ") } : {}) };
    if (points.length === 1) picture.append(s("circle", { cx: x(points[0]![0]), cy: y(points[0]![1]), r: 2, fill: colour }));
    else picture.append(s("polyline", { ...look, points: points.map(([epoch, value]) => `${x(epoch).toFixed(1)},${y(value).toFixed(1)}`).join(" ") }));
  });
  return picture;
}

export function legend(curves: Curve[]): HTMLElement {
  return h("p", { class: "legend" }, ...curves.map((curve, place) => h("span", {}, swatch(category(place)), h("bdi", {}, curve.arm))));
}
