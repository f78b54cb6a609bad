// Experiments side by side: their curves on one scale, their answers beneath.

import type { List, Row } from "./boardlist.ts";
import { h } from "./dom.ts";
import { legend, rangeOf, small, type Range } from "./small.ts";

const SIZE: [number, number] = [420, 180];
const MOST = 8; // answers of an experiment; all are on its page

export function cards(list: List, changed: () => void): HTMLElement | null {
  const rows = list.beside();
  if (list.rows.every((row) => !row.curves)) return null;
  const box = h("input", { type: "checkbox", id: "scaled", checked: list.scaled, onchange: (event) => {
    list.scaled = (event.target as HTMLInputElement).checked;
    changed();
  } });
  const ranges = new Map<string, Range>();
  if (list.scaled)
    for (const metric of new Set(rows.map((row) => row.metric!["en"]!))) {
      const own = rows.filter((row) => row.metric!["en"] === metric);
      ranges.set(metric, rangeOf(own.flatMap((row) => row.curves!), Math.max(...own.map((row) => row.planned!))));
    }
  return h(
    "section",
    { id: "beside", "aria-labelledby": "beside-title" },
    h("h2", { id: "beside-title" }, list.say("beside")),
    h("p", { class: "hint" }, list.say("beside.hint")),
    h("div", { class: "controls" }, h("label", {}, box, list.say("beside.scale"))),
    rows.length === 0 ? h("p", { class: "hint" }, list.say("beside.none")) : h("div", { class: "cards" }, ...rows.map((row) => card(list, row, ranges.get(row.metric!["en"]!) ?? rangeOf(row.curves!, row.planned!)))),
  );
}

function card(list: List, row: Row, range: Range): HTMLElement {
  const said = row.decision![list.lang]!;
  const metric = row.metric![list.lang]!;
  const answers = row.answers![list.lang]!;
  const more = answers.length - MOST;
  return h(
    "article",
    { class: "card", "data-id": row.id },
    h("h3", {}, h("bdi", {}, row.name)),
    h("p", { class: said.settled ? "settled" : "open" }, said.title),
    h("figure", {}, h("figcaption", { class: "hint" }, metric), small(row.curves!, range, SIZE, list.say("curve.of", { name: row.name }), { unit: row.unit!, epochs: list.say("epoch") }), legend(row.curves!)),
    answers.length === 0
      ? null
      : h(
          "table",
          {},
          h("thead", {}, h("tr", {}, h("th", { scope: "col" }, list.say("arm")), h("th", { scope: "col", class: "number" }, list.say("difference", { baseline: row.baseline! })), h("th", { scope: "col" }, list.say("verdict")))),
          h("tbody", {}, ...answers.slice(0, MOST).map(([arm, , mean, interval, answer, says]) => h("tr", {}, h("th", { scope: "row" }, h("bdi", {}, arm!)), h("td", { class: "number" }, h("b", {}, mean!), " ", h("span", { class: "interval" }, interval!)), h("td", { class: `says ${says}` }, answer!)))),
        ),
    more > 0 ? h("p", { class: "hint" }, list.say("more", { more })) : null,
  );
}
