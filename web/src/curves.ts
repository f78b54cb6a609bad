// From runs and the reader's choices to the columns that a chart draws.

import { values, type Run } from "./data.ts";
import { band, extremes, resample, smooth, timeGrid, xValues, type Band } from "./stats.ts";
import type { Page } from "./state.ts";

export interface Curve {
  group: number;
  run: Run;
  y: Float64Array;
}

export interface Group {
  index: number;
  name: string;
  band: Band;
  raw: Float64Array | null; // the mean before smoothing, where something is smoothed
  few: boolean; // too few runs for an interval: the band is from the least to the greatest
}

export interface Curves {
  x: Float64Array;
  runs: Curve[];
  groups: Group[];
}

const FEW = 4; // runs, below which a t interval says more of t than of the runs

const kept = new Map<string, { made: string; curves: Curves }>();

/** A metric's curves for the reader's choices; choices that only change the drawing find them ready. */
export function curves(page: Page, metric: string): Curves {
  const { axis, smoothing, groupBy, filter } = page.state;
  const made = JSON.stringify([page.version, axis, smoothing, groupBy, filter, [...page.state.hiddenRuns], [...page.state.hiddenGroups]]);
  const known = kept.get(metric);
  if (known?.made === made) return known.curves;
  const fresh = compute(page, metric);
  kept.set(metric, { made, curves: fresh });
  return fresh;
}

/** A metric's curves over a shared x, smoothed run by run before means are taken. */
function compute(page: Page, metric: string): Curves {
  const { axis, smoothing } = page.state;
  const names = page.groups();
  const shown = page.data.runs.filter((run, index) => page.visible(run, index) && run.metrics[metric]);
  const { steps } = page.data.experiment;
  const shared = axis === "time" ? null : xValues(axis, shown.reduce((most, run) => Math.max(most, values(run, metric).length), 0), steps, new Float64Array(0));
  const own = shown.map((run) => {
    const y = values(run, metric);
    const x = shared ? shared.subarray(0, y.length) : xValues(axis, y.length, steps, values(run, "seconds"));
    return { run, x, raw: y, y: smoothing > 0 ? smooth(x, y, smoothing) : y };
  });
  const longest = own.reduce((most, item) => Math.max(most, item.y.length), 0);
  const end = own.reduce((most, item) => Math.max(most, item.x.at(-1) ?? 0), 0);
  const x = shared ?? timeGrid(end, Math.max(longest, 2));
  const runs = own.map((item) => ({
    run: item.run,
    group: names.indexOf(page.group(item.run)),
    y: axis === "time" ? resample(item.x, item.y, x) : item.y,
    raw: smoothing === 0 ? null : axis === "time" ? resample(item.x, item.raw, x) : item.raw,
  }));
  const least = (columns: unknown[]) => (axis === "time" ? columns.length : 1);
  const groups = names
    .map((name, index) => ({ name, index, own: runs.filter((item) => item.group === index) }))
    .filter((item) => item.own.length > 0)
    .map(({ name, index, own }) => {
      const columns = own.map((item) => item.y);
      const raw = smoothing > 0 ? band(own.map((item) => item.raw!), x.length, page.data.t, least(columns)).mean : null;
      const found = band(columns, x.length, page.data.t, least(columns));
      const few = columns.length < FEW;
      return { name, index, raw, few, band: few && columns.length > 1 ? { ...found, ...extremes(columns, x.length) } : found };
    });
  return { x, runs, groups };
}
