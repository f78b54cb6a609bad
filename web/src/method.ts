// How it was done: the spec as TOML, the machine, and what the statistics are.

import { h } from "./dom.ts";
import { copier, section, type Built, type Panel } from "./panel.ts";
import type { Page } from "./state.ts";

export const method: Panel = { id: "method", build };

function build(page: Page): Built {
  const { experiment, toml, plan, environments } = page.data;
  const element = section(
    page,
    "method",
    "about.title",
    experiment.id === "" ? null : page.say("about.id", { id: experiment.id, created: experiment.created.slice(0, 16).replace("T", " ") }),
    h("h3", {}, page.say("method.statistics")),
    h("ul", {}, ...page.data.method[page.state.lang]!.map((text) => h("li", {}, h("bdi", {}, text)))),
    h("details", {}, h("summary", {}, page.say("about.spec")), copier(page, () => toml), h("pre", { tabindex: 0 }, toml)),
    h("details", {}, h("summary", {}, page.say("about.environment")), ...[plan, ...environments].map((values) => table(values))),
  );
  return { element };
}

/** Nested tables as dotted names, one a row. */
function table(values: Record<string, unknown>): HTMLElement {
  return h("table", { class: "plain" }, h("tbody", {}, ...flat(values).map(([name, value]) => h("tr", {}, h("th", { scope: "row" }, h("bdi", {}, name)), h("td", {}, h("bdi", {}, value))))));
}

export function flat(values: Record<string, unknown>, path = ""): [string, string][] {
  return Object.entries(values).flatMap(([key, value]): [string, string][] => {
    const name = path ? `${path}.${key}` : key;
    if (value !== null && typeof value === "object" && !Array.isArray(value)) return flat(value as Record<string, unknown>, name);
    return [[name, Array.isArray(value) ? value.map(String).join(", ") : value === "" || value === null || value === undefined ? "–" : String(value)]];
  });
}
