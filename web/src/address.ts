// The reader's choices in the address: `#at=curves&arm=dropout 0.5&stop=20&lang=ja`, so that a link shows what was seen.

import { isDark } from "./colour.ts";
import type { Page, State } from "./state.ts";
import type { XAxis } from "./stats.ts";

const AXES = ["epoch", "step", "time"];

/** What differs from a page that was just opened. */
export function written(page: Page): string {
  const { state, opened } = page;
  const parts = new URLSearchParams();
  const put = (name: string, value: string, usual: string) => {
    if (value !== usual) parts.set(name, value);
  };
  if (page.at) parts.set("at", page.at);
  put("lang", state.lang, opened.lang);
  put("theme", document.documentElement.dataset.theme ?? "", "");
  put("arm", state.arm, opened.arm);
  if (state.stop !== null) parts.set("stop", String(page.epoch));
  put("ask", state.ask, opened.ask);
  put("axis", state.axis, opened.axis);
  put("smooth", String(state.smoothing), String(opened.smoothing));
  for (const key of ["log", "outliers", "bands", "seeds"] as const) put(key, state[key] ? "1" : "0", opened[key] ? "1" : "0");
  put("group", state.groupBy, opened.groupBy);
  put("hide", list(state.hiddenGroups), "[]");
  put("off", list(state.hiddenRuns), "[]");
  put("metrics", list(state.metrics), list(opened.metrics));
  put("zoom", state.zoom ? state.zoom.join(",") : "", "");
  put("filter", state.filter, "");
  put("sort", state.sort.column ? `${state.sort.down ? "-" : ""}${state.sort.column}` : "", "");
  put("tensor", state.layer, opened.layer);
  put("of", state.kind, opened.kind);
  return parts.toString();
}

const list = (values: Set<string | number>): string => JSON.stringify([...values]);

/** Take what an address says; what it says of things that are not here is passed over. */
export function take(page: Page, hash: string): void {
  const parts = new URLSearchParams(hash.replace(/^#/, ""));
  const { state, data } = page;
  const get = (name: string, good: (value: string) => boolean, put: (value: string) => void) => {
    const value = parts.get(name);
    if (value !== null && good(value)) put(value);
  };
  get("lang", (value) => value in data.words, (value) => (state.lang = value));
  get("theme", (value) => value === "dark" || value === "light", (value) => (document.documentElement.dataset.theme = value));
  get("arm", (value) => data.experiment.arms.includes(value) && value !== data.experiment.baseline, (value) => {
    state.arm = value;
    page.picked = true;
  });
  get("stop", (value) => data.stops.epochs.includes(Number(value)), (value) => {
    const place = data.stops.epochs.indexOf(Number(value));
    state.stop = place === data.stops.epochs.length - 1 ? null : place;
  });
  get("ask", (value) => data.stops.lines.some((line) => line.endpoint === value), (value) => (state.ask = value));
  get("axis", (value) => AXES.includes(value), (value) => (state.axis = value as XAxis));
  get("smooth", (value) => Number(value) >= 0 && Number(value) < 1, (value) => (state.smoothing = Number(value)));
  for (const key of ["log", "outliers", "bands", "seeds"] as const) get(key, (value) => value === "1" || value === "0", (value) => (state[key] = value === "1"));
  get("group", (value) => data.runs.some((run) => value in run.fields), (value) => (state.groupBy = value));
  const groups = new Set<unknown>(page.groups());
  get("hide", () => true, (value) => (state.hiddenGroups = named(value, (one) => groups.has(one)) as State["hiddenGroups"]));
  get("off", () => true, (value) => (state.hiddenRuns = named(value, (one) => typeof one === "number" && one in data.runs) as State["hiddenRuns"]));
  get("metrics", () => true, (value) => (state.metrics = named(value, (one) => page.metrics.includes(one as string)) as State["metrics"]));
  get("zoom", (value) => /^-?[\d.e+-]+,-?[\d.e+-]+$/.test(value), (value) => {
    const [low, high] = value.split(",").map(Number) as [number, number];
    if (low < high) state.zoom = [low, high];
  });
  get("filter", () => true, (value) => (state.filter = value));
  get("sort", () => true, (value) => (state.sort = { column: value.replace(/^-/, ""), down: value.startsWith("-") }));
  get("tensor", (value) => data.histograms.some((item) => item.layer === value), (value) => (state.layer = value));
  get("of", (value) => value === "parameter" || value === "gradient", (value) => (state.kind = value));
  page.at = parts.get("at") ?? (hash.includes("=") ? "" : hash.replace(/^#/, ""));
}

/** The members of a JSON list that are known here. */
function named(text: string, good: (value: unknown) => boolean): Set<unknown> {
  try {
    const found: unknown = JSON.parse(text);
    return new Set(Array.isArray(found) ? found.filter(good) : []);
  } catch {
    return new Set();
  }
}

let waiting: ReturnType<typeof setTimeout> | undefined;

/** Write the choices into the address, a moment after the last of them. */
export function remember(page: Page): void {
  clearTimeout(waiting);
  waiting = setTimeout(() => now(page), 120);
}

export function now(page: Page): void {
  const text = written(page);
  if (text !== location.hash.replace(/^#/, "")) history.replaceState(null, "", text ? `#${text}` : location.href.split("#")[0]);
}

/** Dark or light, and back to what the machine wants where that is the same. */
export function switchTheme(): void {
  document.documentElement.dataset.theme = isDark() ? "light" : "dark";
}
