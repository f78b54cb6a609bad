// Effect sizes with their intervals, one small axis per endpoint, beside the words of the verdict.

import type { Effect } from "./data.ts";
import { s } from "./dom.ts";

const WIDTH = 220;
const HEIGHT = 26;

/** Mean, plain interval (thick) and adjusted interval (thin) of one effect against zero; each seed as a faint dot, the margin dashed. */
export function forest(effect: Effect, label: string): SVGElement {
  const margins = effect.margin === null ? [] : [-effect.margin, effect.margin];
  const known = [0, effect.mean, effect.low, effect.high, effect.adjusted_low, effect.adjusted_high, ...effect.values, ...margins].filter((v): v is number => v !== null);
  let low = Math.min(...known);
  let high = Math.max(...known);
  const room = (high - low || 1) * 0.08;
  low -= room;
  high += room;
  const at = (value: number) => ((value - low) / (high - low)) * WIDTH;
  const picture = s("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: `forest ${effect.consequence}`, role: "img", "aria-label": label });
  picture.append(s("line", { x1: at(0), x2: at(0), y1: 0, y2: HEIGHT, class: "zero" }));
  for (const edge of margins) picture.append(s("line", { x1: at(edge), x2: at(edge), y1: 0, y2: HEIGHT, class: "margin" }));
  for (const value of effect.values) if (value !== null) picture.append(s("circle", { cx: at(value), cy: HEIGHT / 2, r: 2.5, class: "seed" }));
  const bar = (low: number | null, high: number | null, name: string) => {
    if (low !== null && high !== null) picture.append(s("line", { x1: at(low), x2: at(high), y1: HEIGHT / 2, y2: HEIGHT / 2, class: name }));
  };
  bar(effect.adjusted_low, effect.adjusted_high, "adjusted");
  bar(effect.low, effect.high, "interval");
  if (effect.mean !== null) picture.append(s("rect", { x: at(effect.mean) - 4, y: HEIGHT / 2 - 4, width: 8, height: 8, class: "mean" }));
  return picture;
}
