// What a figure means, as a word with a sign and a colour: by consequence, never by whether a claim holds.

import type { Line } from "./data.ts";
import { h } from "./dom.ts";
import type { Figure } from "./figures.ts";
import type { Page } from "./state.ts";

export const NEVER = 0; // what is needed where splits overlap too much for any number of seeds
export const MOST = 200; // beyond that many seeds nothing is counted

/** At rest, what was not tested says so; off it, everything is a description. */
export function pill(page: Page, line: Line, figure: Figure): HTMLElement {
  const rest = page.state.stop === null;
  if (rest && !figure.tested) return h("span", { class: "said" }, h("span", { class: "pill untested" }, page.say("pill.untested")));
  const says = figure.says;
  const own = page.has(`pill.${line.role}.${says}`) ? `pill.${line.role}.${says}` : `pill.${says}`;
  const needed = figure.tested?.needed ?? null;
  const seeds = says !== "open" || needed === null ? null : needed === NEVER ? page.say("pill.never") : needed > MOST ? page.say("pill.many", { most: MOST }) : page.say("pill.seeds", { seeds: needed });
  const title = figure.tested ? page.status(figure.tested) : page.say("when.descriptive");
  return h("span", { class: "said" }, h("span", { class: `pill ${says}${figure.tested ? "" : " described"}`, title }, page.say(own)), seeds === null ? null : h("small", {}, seeds));
}
