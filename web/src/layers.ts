// What lies under and over the mean lines of a chart: bands, single runs, raw means, turning points, names at line ends.

import type uPlot from "uplot";
import { faint, type Look } from "./colour.ts";
import type { Group } from "./curves.ts";
import { last } from "./places.ts";
import { short } from "./slopes.ts";

export interface Cut {
  x: ArrayLike<number>;
  means: ArrayLike<number>[]; // in the order of the groups, as all that follows
  lows: ArrayLike<number>[];
  highs: ArrayLike<number>[];
  raws: (ArrayLike<number> | null)[];
  runs: { place: number; y: ArrayLike<number> }[]; // `place` of the group
}

export interface Shown {
  groups: Group[];
  looks: Look[]; // in the order of the groups
  cut: Cut;
  full: boolean[]; // whose band and runs are drawn
  bands: boolean;
  seeds: boolean;
  isolated: number | null; // the group that is looked at
  turns: (number | null)[]; // where the mean turns, in x
  names: boolean; // at line ends
}

const PALE = 0.3;

/** Everything under the lines. */
export function beneath(plot: uPlot, shown: Shown): void {
  const { ctx } = plot;
  inside(plot, () => {
    shown.groups.forEach((group, place) => {
      if (!detailed(shown, place)) return;
      const { colour } = shown.looks[place]!;
      if (shown.bands) fill(plot, shown.cut.x, shown.cut.lows[place]!, shown.cut.highs[place]!, faint(colour, group.few ? 0.1 : 0.17));
      const raw = shown.cut.raws[place];
      if (raw) stroke(plot, shown.cut.x, raw, faint(colour, 0.45), 1);
    });
    if (shown.seeds) for (const run of shown.cut.runs) if (detailed(shown, run.place)) stroke(plot, shown.cut.x, run.y, faint(shown.looks[run.place]!.colour, 0.4), 1);
  });
  ctx.globalAlpha = 1;
}

/** Everything over them. */
export function above(plot: uPlot, shown: Shown): void {
  const ratio = devicePixelRatio || 1;
  const { ctx, bbox } = plot;
  inside(plot, () => {
    shown.groups.forEach((_, place) => {
      const turn = shown.turns[place];
      if (turn === null || turn === undefined || (shown.isolated !== null && shown.isolated !== place)) return;
      const at = value(shown.cut.x, shown.cut.means[place]!, turn);
      if (Number.isNaN(at)) return;
      const [x, y] = [plot.valToPos(turn, "x", true), plot.valToPos(at, "y", true)];
      ctx.fillStyle = shown.looks[place]!.colour;
      ctx.beginPath();
      ctx.moveTo(x, y - 4 * ratio);
      ctx.lineTo(x + 5 * ratio, y + 5 * ratio);
      ctx.lineTo(x - 5 * ratio, y + 5 * ratio);
      ctx.fill();
    });
  });
  if (!shown.names) return;
  ctx.save();
  ctx.font = `${11 * ratio}px system-ui, sans-serif`;
  ctx.textBaseline = "middle";
  ctx.textAlign = "left";
  const ends = shown.groups
    .map((group, place) => ({ group, place, y: plot.valToPos(last(shown.cut.means[place] as Float64Array), "y", true) }))
    .filter(({ place, y }) => Number.isFinite(y) && (!shown.looks[place]!.rest || shown.isolated === place))
    .sort((a, b) => a.y - b.y);
  apart(ends, 13 * ratio, bbox.top, bbox.top + bbox.height);
  for (const { group, place, y } of ends) {
    ctx.globalAlpha = shown.isolated === null || shown.isolated === place ? 1 : PALE;
    ctx.fillStyle = shown.looks[place]!.colour;
    ctx.fillText(short(group.name, 14), bbox.left + bbox.width + 5 * ratio, y);
  }
  ctx.restore();
}

/** Whether a group's band and runs are drawn: where there are few groups, and where it is looked at. */
export function detailed(shown: Shown, place: number): boolean {
  return shown.isolated === null ? shown.full[place]! : shown.isolated === place;
}

/** Names that would overlap move apart. */
function apart(ends: { y: number }[], gap: number, top: number, bottom: number): void {
  for (let i = 1; i < ends.length; i++) ends[i]!.y = Math.max(ends[i]!.y, ends[i - 1]!.y + gap);
  let floor = bottom;
  for (let i = ends.length - 1; i >= 0; i--) {
    ends[i]!.y = Math.max(top, Math.min(ends[i]!.y, floor));
    floor = ends[i]!.y - gap;
  }
}

function inside(plot: uPlot, draw: () => void): void {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  draw();
  ctx.restore();
}

/** A line, broken where it has no value. */
function stroke(plot: uPlot, x: ArrayLike<number>, y: ArrayLike<number>, colour: string, width: number): void {
  const { ctx } = plot;
  ctx.strokeStyle = colour;
  ctx.lineWidth = width * (devicePixelRatio || 1);
  ctx.beginPath();
  let pen = false;
  for (let i = 0; i < x.length && i < y.length; i++) {
    const at = plot.valToPos(y[i]!, "y", true);
    if (!Number.isFinite(at)) {
      pen = false;
      continue;
    }
    if (pen) ctx.lineTo(plot.valToPos(x[i]!, "x", true), at);
    else ctx.moveTo(plot.valToPos(x[i]!, "x", true), at);
    pen = true;
  }
  ctx.stroke();
}

function fill(plot: uPlot, x: ArrayLike<number>, low: ArrayLike<number>, high: ArrayLike<number>, colour: string): void {
  const { ctx, bbox } = plot;
  const floor = bbox.top + bbox.height;
  const known = Array.from({ length: x.length }, (_, i) => i).filter((i) => Number.isFinite(high[i]!) && Number.isFinite(plot.valToPos(high[i]!, "y", true)));
  if (known.length < 2) return;
  ctx.fillStyle = colour;
  ctx.beginPath();
  for (const i of known) ctx.lineTo(plot.valToPos(x[i]!, "x", true), plot.valToPos(high[i]!, "y", true));
  for (const i of known.reverse()) {
    const y = plot.valToPos(low[i]!, "y", true);
    ctx.lineTo(plot.valToPos(x[i]!, "x", true), Number.isFinite(y) ? y : floor); // a logarithm of nothing lies below
  }
  ctx.fill();
}

function value(x: ArrayLike<number>, y: ArrayLike<number>, at: number): number {
  let best = -1;
  for (let i = 0; i < x.length; i++) if (!Number.isNaN(y[i]!) && (best < 0 || Math.abs(x[i]! - at) < Math.abs(x[best]! - at))) best = i;
  return best < 0 ? NaN : y[best]!;
}
