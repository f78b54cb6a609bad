// What a chart says at one x: groups by value, the one that is looked at first of all; it floats and moves nothing.

import type { Look } from "./colour.ts";
import type { Curves } from "./curves.ts";
import { h } from "./dom.ts";
import type { Page } from "./state.ts";
import { show } from "./stats.ts";
import { swatch } from "./swatch.ts";

const ROWS = 8;

/** Rows of a tooltip; `seed` names the run that is nearest. */
export function told(page: Page, found: Curves, look: Look[], index: number, metric: string, isolated: number | null, seed: string | null): HTMLElement[] {
  const number = (value: number) => page.amount(metric, value);
  const groups = found.groups
    .map((group, place) => ({ group, place, value: group.band.mean[index]! }))
    .filter((one) => !Number.isNaN(one.value))
    .sort((a, b) => b.value - a.value);
  const shown = groups.length <= ROWS ? groups : [...groups.filter((one) => one.place === isolated), ...groups.filter((one) => one.place !== isolated)].slice(0, ROWS);
  const rows = shown.map(({ group, place, value }) => {
    const [low, high] = [group.band.low[index]!, group.band.high[index]!];
    const spread = Number.isNaN(low) ? "" : group.few ? ` (${number(low)} – ${number(high)})` : ` ± ${page.amount(metric, (high - low) / 2).replace(" %", "")}`;
    return h("span", { class: place === isolated ? "looked" : "" }, swatch(look[place]!), h("bdi", {}, group.name), `: ${number(value)}${spread} (n = ${group.band.n[index]})`);
  });
  const more = groups.length - shown.length;
  return [
    h("b", {}, `${page.say(`x.${page.state.axis}`)} ${show(found.x[index], 1)}${page.state.smoothing > 0 ? ` · ${page.say("smoothed")}` : ""}`),
    ...rows,
    ...(more > 0 ? [h("span", {}, page.say("more", { count: more }))] : []),
    ...(seed ? [h("span", { class: "hint" }, seed)] : []),
  ];
}
