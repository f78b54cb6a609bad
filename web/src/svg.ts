// A chart as a standalone SVG file: what is on screen, as paths.

import { colour, dash } from "./colour.ts";
import type { Curves } from "./curves.ts";
import { ticks } from "./scale.ts";
import type { Page } from "./state.ts";
import { decimate, floor, show, tick } from "./stats.ts";

const WIDTH = 720;
const HEIGHT = 400;
const BOX = { left: 64, right: 16, top: 52, bottom: 44 };

/** Text that is safe inside XML; characters that XML forbids are dropped. */
export function escapeXml(text: string): string {
  return text
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, "")
    .replace(/[&<>"']/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&apos;" })[c]!);
}

export function toSvg(found: Curves, page: Page, metric: string): string {
  const { log, zoom, bands, seeds } = page.state;
  const [xLow, xHigh] = zoom ?? [found.x[0] ?? 0, found.x.at(-1) ?? 1];
  const bottom = log ? floor([...found.runs.map((run) => run.y), ...found.groups.map((g) => g.band.mean)]) : -Infinity;
  const ys = [...(seeds ? found.runs.map((run) => run.y) : []), ...found.groups.flatMap((g) => (bands ? [g.band.mean, g.band.low, g.band.high] : [g.band.mean]))];
  let low = Infinity;
  let high = -Infinity;
  for (const column of ys)
    for (let i = 0; i < column.length; i++) {
      const value = column[i]!;
      if (Number.isNaN(value) || (log && value < bottom) || found.x[i]! < xLow || found.x[i]! > xHigh) continue;
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
  if (!(high > low)) [low, high] = Number.isFinite(low) ? (log ? [low / 2, low * 2] : [low - 1, low + 1]) : [0.1, 1];
  const scale = (value: number) => (log ? Math.log10(value) : value);
  const px = (x: number) => BOX.left + ((x - xLow) / (xHigh - xLow || 1)) * (WIDTH - BOX.left - BOX.right);
  const py = (y: number) => HEIGHT - BOX.bottom - ((scale(y) - scale(low)) / (scale(high) - scale(low))) * (HEIGHT - BOX.top - BOX.bottom);
  const path = (column: ArrayLike<number>): string => {
    const cut = decimate(found.x, [column], 800);
    let pen = false;
    let text = "";
    for (let i = 0; i < cut.x.length; i++) {
      const y = cut.columns[0]![i] ?? NaN;
      if (Number.isNaN(y) || (log && y <= 0)) {
        pen = false;
        continue;
      }
      text += `${pen ? "L" : "M"}${px(cut.x[i]!).toFixed(1)} ${py(y).toFixed(1)}`;
      pen = true;
    }
    return text;
  };
  const area = (band: { low: Float64Array; high: Float64Array }): string => {
    const points: string[] = [];
    const back: string[] = [];
    const cut = decimate(found.x, [band.low, band.high], 800);
    for (let i = 0; i < cut.x.length; i++) {
      const [least, top] = [Math.max(cut.columns[0]![i] ?? NaN, bottom), cut.columns[1]![i] ?? NaN];
      if (Number.isNaN(least)) continue;
      points.push(`${px(cut.x[i]!).toFixed(1)},${py(top).toFixed(1)}`);
      back.push(`${px(cut.x[i]!).toFixed(1)},${py(least).toFixed(1)}`);
    }
    return [...points, ...back.reverse()].join(" ");
  };
  const yTicks = log ? ticks(Math.log10(low), Math.log10(high)).map((e) => 10 ** e) : ticks(low, high);
  const starts = found.groups.map((_, i) => BOX.left + found.groups.slice(0, i).reduce((sum, g) => sum + 44 + 7 * [...g.name].length, 0));
  const lines = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" font-family="system-ui, sans-serif" font-size="12">`,
    `<rect width="100%" height="100%" fill="#fff"/><clipPath id="c"><rect x="${BOX.left}" y="${BOX.top}" width="${WIDTH - BOX.left - BOX.right}" height="${HEIGHT - BOX.top - BOX.bottom}"/></clipPath>`,
    `<text x="${BOX.left}" y="20" font-size="15">${escapeXml(page.metric(metric))}</text>`,
    ...yTicks.map((y) => `<path d="M${BOX.left} ${py(y).toFixed(1)}H${WIDTH - BOX.right}" stroke="#ddd"/><text x="${BOX.left - 6}" y="${(py(y) + 4).toFixed(1)}" text-anchor="end">${tick(y)}</text>`),
    ...ticks(xLow, xHigh).map((x) => `<path d="M${px(x).toFixed(1)} ${BOX.top}V${HEIGHT - BOX.bottom}" stroke="#ddd"/><text x="${px(x).toFixed(1)}" y="${HEIGHT - BOX.bottom + 18}" text-anchor="middle">${show(x, 1)}</text>`),
    `<text x="${WIDTH / 2}" y="${HEIGHT - 8}" text-anchor="middle">${escapeXml(page.say(`x.${page.state.axis}`))}</text>`,
    `<g clip-path="url(#c)" fill="none">`,
    ...(bands ? found.groups.map((g) => `<polygon points="${area(g.band)}" fill="${colour(g.index)}" fill-opacity=".18"/>`) : []),
    ...(seeds ? found.runs.map((run) => `<path d="${path(run.y)}" stroke="${colour(run.group)}" stroke-opacity=".35"/>`) : []),
    ...found.groups.map((g) => `<path d="${path(g.band.mean)}" stroke="${colour(g.index)}" stroke-width="2" stroke-dasharray="${dash(g.index).join(" ")}"/>`),
    `</g>`,
    ...found.groups.map((g, i) => `<g transform="translate(${starts[i]} 40)"><path d="M0 -4h22" stroke="${colour(g.index)}" stroke-width="2" stroke-dasharray="${dash(g.index).join(" ")}"/><text x="28">${escapeXml(g.name)}</text></g>`),
    `</svg>`,
  ];
  return lines.join("\n");
}
