// A chart as a standalone SVG file: what is on screen, as paths.

import { logTicks, range, wholeTicks } from "./axes.ts";
import { looks } from "./colour.ts";
import type { Curves } from "./curves.ts";
import type { Page } from "./state.ts";
import { decimate } from "./stats.ts";
import { labels, roomFor, ticks } from "./ticks.ts";

const WIDTH = 720;
const HEIGHT = 400;
const FULL = 4; // groups, above which only the shown arm has a band and runs
const BOX = { left: 64, right: 16, top: 52, bottom: 44 };

/** Text that is safe inside XML; characters that XML forbids are dropped. */
export function escapeXml(text: string): string {
  return text
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, "")
    .replace(/[&<>"']/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&apos;" })[c]!);
}

/** Names in as many rows as they need. */
export function legend(names: string[]): { x: number; row: number }[] {
  let x = BOX.left;
  let row = 0;
  return names.map((name) => {
    const width = 44 + 7 * [...name].length;
    if (x > BOX.left && x + width > WIDTH) [x, row] = [BOX.left, row + 1];
    const place = { x, row };
    x += width;
    return place;
  });
}

export function toSvg(found: Curves, page: Page, metric: string): string {
  const { log, zoom, bands, seeds, axis, outliers } = page.state;
  const all = looks(page, "light");
  const look = (group: number) => all[group]!;
  const full = (group: number) => found.groups.length <= FULL || page.groups()[group] === page.state.arm;
  const [xLow, xHigh] = zoom ?? [found.x[0] ?? 0, found.x.at(-1) ?? 1];
  const [from, to] = [found.x.findIndex((x) => x >= xLow), found.x.findLastIndex((x) => x <= xHigh) + 1];
  const share = page.unit(metric) === "share";
  const factor = share ? 100 : 1;
  const runs = found.runs.filter((run) => seeds && full(run.group));
  const { low, high } = range([...found.groups.map((g) => g.band.mean), ...runs.map((run) => run.y)], Math.max(0, from), to, { log, outliers, share });
  const bottom = log ? low : -Infinity;
  const places = legend(found.groups.map((g) => g.name));
  const top = BOX.top + 18 * (places.at(-1)?.row ?? 0);
  const scale = (value: number) => (log ? Math.log10(value) : value);
  const yTicks = log ? logTicks(low, high) : ticks(low * factor, high * factor).map((value) => value / factor);
  const yLabels = labels(yTicks.map((value) => value * factor));
  const left = roomFor(yLabels, BOX.left);
  const px = (x: number) => left + ((x - xLow) / (xHigh - xLow || 1)) * (WIDTH - left - BOX.right);
  const py = (y: number) => HEIGHT - BOX.bottom - ((scale(y) - scale(low)) / (scale(high) - scale(low))) * (HEIGHT - top - BOX.bottom);
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
  const xTicks = axis === "time" ? ticks(xLow, xHigh) : wholeTicks(xLow, xHigh);
  const xLabels = labels(xTicks);
  const dashed = (group: number) => (look(group).dash.length > 0 ? ` stroke-dasharray="${look(group).dash.join(" ")}"` : "");
  const lines = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" font-family="system-ui, sans-serif" font-size="12">`,
    `<rect width="100%" height="100%" fill="#fff"/><clipPath id="c"><rect x="${left}" y="${top}" width="${WIDTH - left - BOX.right}" height="${HEIGHT - top - BOX.bottom}"/></clipPath>`,
    `<text x="${BOX.left}" y="20" font-size="15">${escapeXml(`${page.metric(metric)}${share ? " (%)" : ""}`)}</text>`,
    ...yTicks.map((y, i) => `<path d="M${left} ${py(y).toFixed(1)}H${WIDTH - BOX.right}" stroke="#ddd"/><text x="${left - 6}" y="${(py(y) + 4).toFixed(1)}" text-anchor="end">${yLabels[i]!}</text>`),
    ...xTicks.map((x, i) => `<path d="M${px(x).toFixed(1)} ${top}V${HEIGHT - BOX.bottom}" stroke="#ddd"/><text x="${px(x).toFixed(1)}" y="${HEIGHT - BOX.bottom + 18}" text-anchor="middle">${xLabels[i]!}</text>`),
    `<text x="${WIDTH / 2}" y="${HEIGHT - 8}" text-anchor="middle">${escapeXml(page.say(`x.${page.state.axis}`))}</text>`,
    `<g clip-path="url(#c)" fill="none">`,
    ...(bands ? found.groups.filter((g) => full(g.index)).map((g) => `<polygon points="${area(g.band)}" fill="${look(g.index).colour}" fill-opacity=".18"/>`) : []),
    ...runs.map((run) => `<path d="${path(run.y)}" stroke="${look(run.group).colour}" stroke-opacity=".35"/>`),
    ...found.groups.map((g) => `<path d="${path(g.band.mean)}" stroke="${look(g.index).colour}" stroke-width="2"${dashed(g.index)}/>`),
    `</g>`,
    ...found.groups.map((g, i) => `<g transform="translate(${places[i]!.x} ${40 + 18 * places[i]!.row})"><path d="M0 -4h22" stroke="${look(g.index).colour}" stroke-width="2"${dashed(g.index)}/><text x="28">${escapeXml(g.name)}</text></g>`),
    `</svg>`,
  ];
  return lines.join("\n");
}
