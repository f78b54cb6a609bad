// The bar that stays on screen: where one is, the language, light or dark, and a link to what is seen.

import { now, remember, switchTheme } from "./address.ts";
import { h } from "./dom.ts";
import { brand, status } from "./live.ts";
import { copier } from "./panel.ts";
import type { Page } from "./state.ts";

export function header(page: Page, ids: string[], build: () => void): HTMLElement {
  const languages = Object.keys(page.data.words).map((code) =>
    h("button", { type: "button", lang: code, "data-lang": code, "aria-pressed": String(code === page.state.lang), onclick: () => {
      page.state.lang = code;
      build();
    } }, page.data.words[code]!["language"] ?? code),
  );
  const theme = h("button", { type: "button", id: "theme", onclick: () => {
    switchTheme();
    build();
  } }, page.say("theme"));
  const links = ids.map((id) =>
    h("a", { href: `#${id}`, onclick: (event) => {
      event.preventDefault();
      page.at = id;
      document.getElementById(id)?.scrollIntoView();
      remember(page);
    } }, page.say(id === "effects" && page.data.doses ? "nav.dose" : `nav.${id}`)),
  );
  const link = copier(page, () => {
    now(page);
    return location.href;
  }, "link");
  link.id = "link";
  return h("header", {}, brand(), h("span", { class: "name" }, h("bdi", {}, page.data.experiment.name)), h("nav", { "aria-label": page.say("nav") }, ...links), ...status(page), h("span", { class: "switch" }, ...languages, theme, link));
}
