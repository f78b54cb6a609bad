// Colours that stay apart for colour-blind eyes: six for names, an ordered ramp for numbers, grey for the rest.
// A test measures them under simulated protanopia and deuteranopia, and against the cards that they are drawn on.

import type { Page } from "./state.ts";

export const CATEGORIES = {
  light: ["#0060a8", "#c07800", "#6a3df0", "#900048", "#783000", "#f04860"],
  dark: ["#60a8f0", "#f0f000", "#c06060", "#00f0d8", "#f0f090", "#d86000"],
};
export const RAMP = {
  light: ["#2b0a57", "#403a9c", "#2866a8", "#14848c", "#3f8f47", "#b08810"],
  dark: ["#7d52d8", "#5f93ea", "#35b8c0", "#7fd86a", "#f5ec6a"],
};
export const CARD = { light: "#f6f7f9", dark: "#181d24" };
const REST = { light: "#8a939d", dark: "#77818c" };
const DASHES: number[][] = [[], [8, 4], [2, 3], [10, 3, 2, 3], [14, 4], [4, 2]];

/** How a group is drawn. */
export interface Look {
  colour: string;
  dash: number[];
  rest: boolean; // one of too many: grey until it is looked at
}

export function theme(): "light" | "dark" {
  const chosen = document.documentElement.dataset.theme;
  const dark = chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  return dark ? "dark" : "light";
}

export const isDark = (): boolean => theme() === "dark";

/** A colour of an ordered ramp, 0 to 1. */
export function ramp(stops: string[], share: number): string {
  const at = Math.min(1, Math.max(0, share)) * (stops.length - 1);
  const from = Math.min(Math.floor(at), stops.length - 2);
  const part = (stop: string, i: number) => parseInt(stop.slice(1 + 2 * i, 3 + 2 * i), 16);
  const mix = (i: number) => Math.round(part(stops[from]!, i) + (part(stops[from + 1]!, i) - part(stops[from]!, i)) * (at - from));
  return `#${[0, 1, 2].map((i) => mix(i).toString(16).padStart(2, "0")).join("")}`;
}

/** The look of one of the first six, in their order. */
export function category(place: number): Look {
  return { colour: CATEGORIES[theme()][place]!, dash: DASHES[place]!, rest: false };
}

/** The looks of all groups, in their order; `light` for paper and files. */
export function looks(page: Page, on = theme()): Look[] {
  const names = page.groups();
  const numbers = order(page, names);
  if (numbers) {
    const known = [...new Set(numbers)].sort((a, b) => a - b);
    return numbers.map((value) => ({ colour: ramp(RAMP[on], known.indexOf(value) / Math.max(1, known.length - 1)), dash: [], rest: false }));
  }
  const palette = CATEGORIES[on];
  const first = page.state.groupBy === "arm.name" ? [page.data.experiment.baseline, page.state.arm] : [];
  const ranked = names.length <= palette.length ? names : [...new Set([...first.filter((name) => names.includes(name)), ...names])];
  return names.map((name) => {
    const place = ranked.indexOf(name);
    return place < palette.length ? { colour: palette[place]!, dash: DASHES[place]!, rest: false } : { colour: REST[on], dash: [], rest: true };
  });
}

/** The number of each group, where groups are doses or numbers; three at least. */
function order(page: Page, names: string[]): number[] | null {
  const { doses } = page.data;
  const numbers = names.map((name) => (page.state.groupBy === "arm.name" && doses ? doses[name] ?? NaN : name.trim() === "" ? NaN : Number(name)));
  return names.length > 2 && page.state.groupBy !== "seed" && numbers.every(Number.isFinite) ? numbers : null;
}

/** A colour with an opacity, `#rrggbbaa`. */
export function faint(base: string, alpha: number): string {
  return base + Math.round(alpha * 255).toString(16).padStart(2, "0");
}
