// The answer: the decision, its condition, each question in one line, and each seed as a slope.

import type { Line } from "./data.ts";
import { h } from "./dom.ts";
import { read } from "./format.ts";
import { markdown } from "./markdown.ts";
import { noticed } from "./noticed.ts";
import { copier, term, type Built, type Panel } from "./panel.ts";
import { pill } from "./pill.ts";
import { slope } from "./slopes.ts";
import type { Change, Page } from "./state.ts";

const SLOPES = 4; // charts at most

export const answer: Panel = { id: "answer", build };

/** What has a line here; the gap is in the table of all arms. */
export function asked(page: Page): Line[] {
  return page.data.stops.lines.filter((line) => line.role !== "gap");
}

function build(page: Page): Built {
  const { data } = page;
  const { experiment } = data;
  const said = data.verdict[page.state.lang]!;
  const decision = data.decision[page.state.lang]!;
  const title = h("h1", { id: "answer-title" });
  const sentence = h("p", { class: "condition" });
  const marks = h("p", { class: "tested", role: "status" });
  const body = h("tbody");
  const change = h("th", { scope: "col", class: "number" });
  const slopes = h("div", { class: "slopes" });
  const others = experiment.arms.filter((arm) => arm !== experiment.baseline);
  const pick = h("select", { id: "arm", onchange: () => page.pick(pick.value) }, ...others.map((arm) => h("option", { value: arm, selected: arm === page.state.arm }, arm)));
  const back = h("button", { type: "button", id: "back", onclick: () => {
    page.state.stop = null;
    page.tell("stop");
  } }, page.say("answer.back"));
  const { compared } = page.stops;

  function row(line: Line): HTMLElement {
    const figure = page.figure(line);
    const { change, mean, interval } = read(figure, line.unit);
    return h(
      "tr",
      { "data-endpoint": line.endpoint },
      h("th", { scope: "row" }, term(page, page.line(line), `term.${line.kind || line.role}`)),
      h("td", { class: "number" }, h("a", { href: "#when", "data-ask": line.endpoint, onclick: (event) => follow(event, line) }, h("span", { class: "change" }, change), h("b", {}, mean), h("span", { class: "interval" }, interval))),
      h("td", {}, pill(page, line, figure)),
    );
  }

  /** A number leads to the panel it comes from. */
  function follow(event: Event, line: Line): void {
    event.preventDefault();
    if (line.role !== "rise") {
      page.state.ask = line.endpoint;
      page.tell("arm");
    }
    const target = document.getElementById(line.role === "rise" ? "curves" : "when");
    target?.scrollIntoView();
    target?.classList.remove("flash");
    void target?.offsetWidth; // begin again
    target?.classList.add("flash");
  }

  function update(what: Change): void {
    if (what !== "stop" && what !== "arm") return;
    const { arm, stop } = page.state;
    pick.value = arm;
    const main = data.stops.lines.find((line) => line.role === "val") ?? data.stops.lines[0];
    if (stop === null || !main) {
      title.replaceChildren(decision.title);
      sentence.textContent = decision.sentence;
    } else {
      const says = page.figure(main).says;
      const way = says === "better" ? "ahead" : says === "worse" ? "behind" : "level";
      title.replaceChildren(page.say("answer.stop", { epoch: page.epoch, says: page.say(`answer.${way}`, { arm }) }));
      sentence.textContent = `${page.say("answer.descriptive", { epoch: page.epoch })}. ${page.line(main)}: ${read(page.figure(main), main.unit).change}`;
    }
    title.classList.toggle("settled", stop === null && decision.settled);
    if (!compared) return;
    const seeds = page.figure(main!).seeds.length;
    marks.hidden = seeds === 0 || (stop === null && seeds < 2); // one seed tests nothing
    marks.replaceChildren(page.say(stop === null ? "answer.tested" : "answer.descriptive", { epoch: page.epoch, seeds }));
    marks.classList.toggle("described", stop !== null);
    back.hidden = stop === null;
    change.textContent = page.say("answer.change", { baseline: experiment.baseline, arm });
    body.replaceChildren(...asked(page).map(row));
    slopes.replaceChildren(...asked(page).filter((line) => line.role !== "rise" && line.role !== "turn").slice(0, SLOPES).map((line) => slope(page, line)));
  }

  update("arm");
  const left = h(
    "div",
    { class: "left" },
    h("p", { class: "kicker" }, h("bdi", {}, said.title), ...state(page)),
    title,
    sentence,
    compared
      ? h(
          "div",
          { class: "lined" },
          h("div", { class: "above" }, marks, others.length > 1 ? h("label", {}, page.say("answer.pick"), pick) : null, back),
          h("table", { class: "lines" }, h("thead", {}, h("tr", {}, h("th", { scope: "col" }, page.say("answer.question")), change, h("th", { scope: "col" }, page.say("answer.verdict")))), body),
        )
      : null,
    ...said.beside.map((text) => h("p", { class: "beside" }, text)),
  );
  const right = h("div", { class: "right" }, compared ? h("p", { class: "hint" }, page.say(experiment.alike ? "answer.slopes" : "answer.slopes_apart")) : null, slopes, ...repeat(page), ...notes(page));
  const element = h(
    "section",
    { id: "answer", "aria-labelledby": "answer-title" },
    h("div", { class: "top" }, left, right),
    failed(page),
    ...said.underfits.map((text) => h("p", { class: "underfits" }, text)),
    noticed(said),
    h("details", {}, h("summary", {}, said.reading_title), h("ul", {}, ...said.notes.map((text) => h("li", {}, text)))),
  );
  return { element, update };
}

/** How far it is, where it is not finished. */
function state(page: Page): (HTMLElement | null)[] {
  const { done } = page.data.experiment;
  const wanted = page.data.runs.filter((run) => run.state !== "spared").length;
  return done >= wanted ? [] : [h("b", { class: "banner" }, page.say("decision.state", { done, all: wanted }))];
}

/** Failed runs, those of one reason together. */
function failed(page: Page): HTMLElement | null {
  const groups = page.data.failed[page.state.lang]!;
  const { runs } = page.data;
  if (groups.length === 0 || groups[0]!.runs.length === runs.length) return null; // then the title says it all
  return h(
    "div",
    { id: "failed", class: "noticed" },
    h("h2", { class: "minor" }, page.say("failed.title", { count: groups.reduce((sum, group) => sum + group.runs.length, 0) })),
    h("ul", {}, ...groups.map((group) => h("li", {}, h("bdi", {}, group.reason), group.hint ? ` ${group.hint}` : "", h("div", { class: "hint" }, h("bdi", {}, named(group.runs.map((index) => runs[index]!), page)))))),
  );
}

/** `dropout 0.5 (seeds 0, 1), no dropout (seed 2)`. */
function named(runs: { arm: string; seed: number }[], page: Page): string {
  const arms = [...new Set(runs.map((run) => run.arm))];
  return arms.map((arm) => `${arm} (${page.say("table.seed")} ${runs.filter((run) => run.arm === arm).map((run) => run.seed).join(", ")})`).join("; ");
}

function repeat(page: Page): (HTMLElement | null)[] {
  const { command, openings } = page.data.experiment;
  const code = h("code", {}, command);
  return [
    command ? h("p", { class: "repeat" }, h("span", { class: "hint" }, page.say(command.endsWith(".toml") || command.endsWith(".toml'") ? "answer.repeat_file" : "answer.repeat")), code, copier(page, () => command)) : null,
    openings === null ? null : h("p", { class: "hint" }, page.say(openings === 0 ? "answer.test.0" : "answer.test.n", { count: openings })),
  ];
}

function notes(page: Page): HTMLElement[] {
  const { notes } = page.data;
  if (notes.length === 0) return [];
  return [
    h(
      "div",
      { id: "notes" },
      h("h2", { class: "minor" }, page.say("notes.title")),
      ...notes.map((note) => h("div", { class: "note" }, h("time", {}, note.time.slice(0, 16).replace("T", " ")), note.run ? h("bdi", {}, ` ${note.run}`) : null, ...markdown(note.text))),
    ),
  ];
}
