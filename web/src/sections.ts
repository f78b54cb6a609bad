// The parts of the page that do not change while one reads: verdict, images, spec, notes.

import type { Blocks } from "./data.ts";
import { h } from "./dom.ts";
import { forest } from "./forest.ts";
import { noticed } from "./noticed.ts";
import type { Page } from "./state.ts";

export function verdict(page: Page): HTMLElement {
  const said: Blocks = page.data.verdict[page.state.lang]!;
  const findings = said.findings.map((finding) =>
    h(
      "div",
      { class: "finding" },
      h("h3", {}, finding.heading),
      ...finding.groups.map((group) =>
        h(
          "div",
          {},
          group.heading ? h("p", { class: "against" }, h("bdi", {}, group.heading)) : null,
          h(
            "div",
            { class: "scroll", tabindex: 0 },
            h(
              "table",
              { class: "effects" },
              h(
                "tbody",
                {},
                ...group.rows.map((row) => {
                  const effect = page.data.effects[row.effect]!;
                  return h(
                    "tr",
                    {},
                    h("th", { scope: "row" }, row.name),
                    h("td", { class: "number" }, h("b", {}, row.mean), h("div", { class: "hint" }, row.interval), h("div", { class: "hint" }, row.adjusted)),
                    h("td", { class: "picture" }, forest(effect, `${row.name}: ${row.mean} ${row.interval} ${row.adjusted}; ${row.status}`)),
                    h("td", {}, h("span", { class: `status ${effect.consequence}` }, row.status)),
                  );
                }),
              ),
            ),
          ),
        ),
      ),
    ),
  );
  const [heads, ...rows] = said.arms;
  return h(
    "section",
    { id: "verdict", "aria-labelledby": "verdict-title" },
    h("h1", { id: "verdict-title" }, h("bdi", {}, page.data.experiment.name)),
    h("p", { class: "hint" }, h("bdi", {}, said.title)),
    h("div", { class: "advice" }, h("p", {}, said.advice), ...said.beside.map((text) => h("p", { class: "beside" }, text))),
    ...findings,
    ...said.underfits.map((text) => h("p", { class: "underfits" }, text)),
    h("h3", {}, said.arms_title),
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
    noticed(said),
    h("details", {}, h("summary", {}, said.reading_title), h("ul", {}, ...said.notes.map((text) => h("li", {}, text)))),
  );
}

export function images(page: Page): HTMLElement {
  const { why_not, arms } = page.data.changed;
  const percent = (value: number) => `${Math.round(value * 100)} %`;
  return h(
    "section",
    { id: "images", "aria-labelledby": "images-title" },
    h("h2", { id: "images-title" }, page.say("images.title")),
    why_not ? h("p", { class: "hint" }, page.say(`images.${why_not}`)) : h("p", { class: "hint" }, page.say("images.hint", { baseline: page.data.experiment.baseline })),
    ...arms.map(({ arm, images }) =>
      h(
        "div",
        {},
        h("h3", {}, h("bdi", {}, arm)),
        h(
          "ul",
          { class: "images" },
          ...images.map((image) =>
            h(
              "li",
              { class: image.after >= image.before ? "gain" : "loss" },
              h("img", { src: image.png, alt: image.truth, width: 64, height: 64 }),
              h("b", {}, image.truth),
              h("span", {}, `${percent(image.before)} → ${percent(image.after)} ${image.after >= image.before ? "▲" : "▼"}`),
              h("span", { class: "hint" }, `${counted(image.said_before)} → ${counted(image.said_after)}`),
            ),
          ),
        ),
      ),
    ),
  );
}

/** `cat ×3, dog`: the classes that the seeds named, the most frequent first. */
export function counted(names: string[]): string {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1]).map(([name, count]) => (count > 1 ? `${name} ×${count}` : name)).join(", ");
}

export function notes(page: Page): HTMLElement | null {
  const { notes } = page.data;
  if (notes.length === 0) return null;
  return h(
    "section",
    { id: "notes", "aria-labelledby": "notes-title" },
    h("h2", { id: "notes-title" }, page.say("notes.title")),
    h("ul", {}, ...notes.map((note) => h("li", {}, h("time", {}, note.time.slice(0, 16).replace("T", " ")), " ", note.run ? h("bdi", {}, `${note.run}: `) : null, h("bdi", {}, note.text)))),
  );
}

export function about(page: Page): HTMLElement {
  const { experiment, spec, plan, environments } = page.data;
  const tree = (value: unknown) => h("pre", { tabindex: 0 }, JSON.stringify(value, null, 2));
  return h(
    "section",
    { id: "about", "aria-labelledby": "about-title" },
    h("h2", { id: "about-title" }, page.say("about.title")),
    experiment.openings === null ? null : h("p", {}, page.say("about.test", { count: experiment.openings })),
    experiment.id === "" ? null : h("p", { class: "hint" }, page.say("about.id", { id: experiment.id, created: experiment.created.slice(0, 16).replace("T", " ") })),
    h("details", {}, h("summary", {}, page.say("about.spec")), tree(spec)),
    h("details", {}, h("summary", {}, page.say("about.environment")), tree({ plan, sessions: environments })),
  );
}
