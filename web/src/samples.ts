// Validation samples of a task on which the shown arm and the baseline differ most: texts, rows of tables, maps.

import type { ChangedSample, Content } from "./data.ts";
import { h } from "./dom.ts";
import { ofArm, type Built, type Panel } from "./panel.ts";
import type { Page } from "./state.ts";
import { show } from "./stats.ts";

export const samples: Panel = { id: "samples", build };

function build(page: Page): Built | null {
  const { why_not, arms } = page.data.samples;
  return why_not || arms.length > 0 ? ofArm(page, "samples", why_not, shown) : null;
}

function shown(page: Page): HTMLElement[] {
  const { arms, seed } = page.data.samples;
  const found = arms.find((item) => item.arm === page.state.arm) ?? arms[0];
  if (!found) return [];
  if (found.samples.length === 0) return [h("p", { class: "hint" }, page.say(found.fits ? "samples.same" : "samples.none", { arm: found.arm, baseline: page.data.experiment.baseline }))];
  const gained = found.samples.filter((one) => one.loss[1] <= one.loss[0]);
  const lost = found.samples.filter((one) => one.loss[1] > one.loss[0]);
  const row = (title: string, name: string, list: ChangedSample[]) =>
    list.length === 0 ? [] : [h("h3", {}, page.say(title, { arm: found.arm })), h("ul", { class: "samples" }, ...list.map((one) => card(page, one, name, found.arm)))];
  const marked = found.samples.some((one) => [one.before, one.after].some((said) => said?.k === "text" && said.v.some(([, wrong]) => wrong)));
  const says = seed === null ? [] : [h("p", { class: "hint" }, page.say("samples.says", { seed }), marked ? ` ${page.say("samples.wrong")}` : null)];
  return [...says, ...row("samples.gained", "gain", gained), ...row("samples.lost", "loss", lost)];
}

function card(page: Page, one: ChangedSample, name: string, arm: string): HTMLElement {
  const part = (title: string, content: Content | null) => (content === null ? [] : [h("dt", {}, title), h("dd", {}, drawn(content, title))]);
  const pictures = one.truth.k === "png";
  return h(
    "li",
    { class: name },
    h("p", {}, h("b", {}, `#${one.place + 1}`), ` ${page.say("samples.loss")} ${show(one.loss[0], 3)} → ${show(one.loss[1], 3)} ${name === "gain" ? "▲" : "▼"}`),
    h(
      "dl",
      { class: pictures ? "beside" : "" },
      ...[
        part(page.say("samples.input"), one.input),
        part(page.say("samples.truth"), one.truth),
        part(page.data.experiment.baseline, one.before),
        part(arm, one.after),
      ].map((cells) => h("div", {}, ...cells)),
    ),
  );
}

function drawn(content: Content, title: string): HTMLElement {
  if (content.k === "png") return h("img", { src: content.v, alt: title, width: content.w, height: content.h });
  if (content.k === "cells") return h("span", { class: "cells" }, ...content.v.map(([name, value]) => h("span", {}, name ? h("i", {}, name) : null, value || "–")));
  return h("bdi", { class: "said" }, ...content.v.map(([piece, wrong]) => (wrong ? h("mark", {}, piece) : piece)));
}
