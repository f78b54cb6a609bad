// The list of experiments: state, answer, best so far, a small curve.

import type { List, Row } from "./boardlist.ts";
import { h } from "./dom.ts";
import { level } from "./format.ts";
import { rangeOf, small } from "./small.ts";

const QUIET = 120; // seconds without news of training that are worth a word

export function table(list: List, changed: () => void): HTMLElement {
  const heads = ["name", "state", "answer", "best", "curve"].map((key) => h("th", { scope: "col" }, list.say(key)));
  return h(
    "div",
    { class: "scroll" },
    h("table", { class: "experiments" }, h("thead", {}, h("tr", {}, h("th", { scope: "col" }, list.say("beside.short")), ...heads)), h("tbody", {}, ...list.rows.map((row) => line(list, row, changed)))),
  );
}

function line(list: List, row: Row, changed: () => void): HTMLElement {
  const said = row.decision?.[list.lang];
  const box = h("input", { type: "checkbox", id: `beside-${row.id}`, checked: list.beside().includes(row), disabled: !row.curves, "aria-label": list.say("beside.choose", { name: row.name }), onchange: (event) => {
    list.choose(row.id, (event.target as HTMLInputElement).checked);
    changed();
  } });
  const cell = (key: string, ...children: (Node | string | null)[]) => h("td", { "data-name": list.say(key), class: `of-${key}` }, ...children);
  return h(
    "tr",
    { class: row.state, "data-id": row.id },
    h("td", {}, box),
    h("th", { scope: "row" }, row.arms === undefined ? h("bdi", {}, row.name) : h("a", { id: `open-${row.id}`, href: `x/${row.id}/${hash(list)}` }, h("bdi", {}, row.name)), row.folder === row.name ? null : h("div", { class: "hint" }, h("bdi", {}, row.folder)), row.arms === undefined ? null : h("div", { class: "hint" }, list.say("size", { arms: row.arms, seeds: row.seeds! }))),
    cell("state", ...state(list, row)),
    cell("answer", ...(row.trouble ? [h("span", { class: "reason" }, row.trouble[list.lang]!)] : said ? [h("b", { class: said.settled ? "settled" : "" }, said.title)] : [])),
    cell("best", ...(row.best ? [h("b", {}, level(row.best.value, row.unit!)), " ", h("bdi", {}, row.best.arm), h("div", { class: "hint" }, list.say("best.of", { metric: row.metric![list.lang]!, count: row.best.runs }))] : [])),
    cell("curve", row.curves ? small(row.curves, rangeOf(row.curves, row.planned!), [150, 40], list.say("curve.of", { name: row.name }), null) : null),
  );
}

function hash(list: List): string {
  return list.written().includes("lang=") ? `#lang=${list.lang}` : "";
}

function state(list: List, row: Row): (Node | string | null)[] {
  const word = h("span", { class: `pill state ${row.state}` }, list.say(`state.${row.state}`));
  if (!row.runs) return [word];
  const [all, done, failed, running] = row.runs;
  const [epochs, planned] = row.epochs!;
  const share = planned > 0 ? Math.min(1, epochs / planned) : done / Math.max(1, all);
  const seconds = Date.now() / 1000 - row.changed;
  const quiet = row.state === "running" && seconds > QUIET;
  return [
    word,
    h("progress", { max: 1, value: share.toFixed(4), "aria-label": list.say("progress") }),
    h("div", { class: "hint" }, list.say("runs", { done, all }), running ? list.say("runs.now", { running }) : "", failed ? h("span", { class: "reason" }, list.say("runs.failed", { failed })) : ""),
    quiet ? h("div", { class: "hint" }, list.say("quiet", { minutes: Math.floor(seconds / 60) })) : null,
  ];
}
