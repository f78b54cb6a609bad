// What the check before the experiment, and its runs, noticed: sentences that a reader should know before the figures.

import type { Blocks } from "./data.ts";
import { h } from "./dom.ts";

export function noticed(said: Blocks): HTMLElement | null {
  if (said.notices.length === 0) return null;
  return h(
    "div",
    { id: "noticed", class: "noticed" },
    h("h2", { class: "minor" }, said.notices_title),
    h("ul", {}, ...said.notices.map((text) => h("li", {}, h("bdi", {}, text)))),
  );
}
