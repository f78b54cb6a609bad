// Which metrics are drawn: a list by kind, with a search.

import { h } from "./dom.ts";
import type { Page } from "./state.ts";

const KINDS = ["val", "fit", "train", "p", "grad_norm", "param_norm", "site_norm"];

/** `val_NAME` belongs to `val`, `p/SITE` to `p`, what is of no kind to the others. */
function kind(name: string): string {
  return KINDS.find((one) => name.startsWith(`${one}_`) || name.startsWith(`${one}/`)) ?? "other";
}

export function metricPicker(page: Page, changed: () => void): HTMLElement {
  const { metrics } = page.state;
  const labels = page.metrics.map((name) => {
    const box = h("input", { type: "checkbox", name: "metric", value: name, checked: metrics.has(name), onchange: () => {
      if (box.checked) metrics.add(name);
      else metrics.delete(name);
      changed();
      page.tell("choice");
    } });
    return { name, label: h("label", {}, box, h("bdi", {}, page.metric(name))) };
  });
  const sets = ["val", "fit", "train", "other", ...KINDS.slice(3)]
    .map((one) => ({ one, own: labels.filter((item) => kind(item.name) === one) }))
    .filter(({ own }) => own.length > 0)
    .map(({ one, own }) => h("fieldset", {}, h("legend", {}, page.say(`kind.${one}`)), ...own.map((item) => item.label)));
  const search = h("input", { type: "search", id: "metric-search", placeholder: page.say("metrics.search"), "aria-label": page.say("metrics.search"), oninput: () => {
    const words = search.value.toLowerCase();
    for (const { name, label } of labels) label.hidden = !`${name} ${label.textContent}`.toLowerCase().includes(words);
    for (const set of sets) set.hidden = [...set.querySelectorAll("label")].every((label) => label.hidden);
  } });
  return h("details", { class: "choices" }, h("summary", {}, page.say("metrics")), search, h("div", { class: "sets" }, ...sets));
}
