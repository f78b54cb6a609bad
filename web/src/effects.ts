// Which arm, or how much: dose and response where arms are doses, the table of all effects otherwise.

import { h } from "./dom.ts";
import { doseResponse } from "./dose.ts";
import { matrix } from "./matrix.ts";
import { section, type Built, type Panel } from "./panel.ts";
import type { Page } from "./state.ts";

export const effects: Panel = { id: "effects", build };

function build(page: Page): Built | null {
  const { doses, experiment } = page.data;
  if (!page.stops.compared) return null;
  const all = matrix(page);
  const every = h("details", { class: "every", ontoggle: () => every.open && all.update() });
  const dose = doses ? doseResponse(page, doses) : null;
  const { baseline } = experiment;
  const numbers = h("details", {}, h("summary", {}, page.say("effects.table")), table(page));
  if (dose) every.append(h("summary", {}, page.say("effects.title")), h("p", { class: "hint" }, page.say("effects.hint", { baseline })), all.element);
  const element = dose
    ? section(page, "effects", "dose.title", page.say("dose.hint", { baseline }), dose.element, every, numbers)
    : section(page, "effects", "effects.title", page.say("effects.hint", { baseline }), all.element, numbers);
  return {
    element,
    update(what) {
      if (what !== "stop" && what !== "arm") return;
      dose?.update();
      if (!dose || every.open) all.update();
    },
  };
}

/** Each arm's own numbers at the last epoch. */
function table(page: Page): HTMLElement {
  const said = page.data.verdict[page.state.lang]!;
  const [heads, ...rows] = said.arms;
  return h(
    "div",
    {},
    h("p", { class: "hint" }, said.arms_title),
    h(
      "div",
      { class: "scroll", tabindex: 0 },
      h(
        "table",
        { class: "arms" },
        h("thead", {}, h("tr", {}, ...heads!.map((text) => h("th", { scope: "col" }, text)))),
        h("tbody", {}, ...rows.map((row) => h("tr", {}, ...row.map((text, i) => (i === 0 ? h("th", { scope: "row" }, h("bdi", {}, text)) : h("td", { class: "number" }, text)))))),
      ),
    ),
  );
}
