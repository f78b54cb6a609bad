// A panel: one section of the page. It is built for the chosen language and told of the reader's choices.

import { h } from "./dom.ts";
import type { Change, Page } from "./state.ts";

export interface Built {
  element: HTMLElement;
  update?(what: Change): void;
}

export interface Panel {
  id: string; // of the section, in addresses and links; `nav.ID` names it
  build(page: Page): Built | null; // nothing to show: no section, no link
}

/** A section with its heading. */
export function section(page: Page, id: string, title: string, hint: string | null, ...children: (Node | null)[]): HTMLElement {
  return h(
    "section",
    { id, "aria-labelledby": `${id}-title` },
    h("h2", { id: `${id}-title` }, page.say(title)),
    hint === null ? null : h("p", { class: "hint" }, hint),
    ...children,
  );
}

/** A section on the shown arm beside the baseline, which `shown` draws; or why there is nothing to draw. */
export function ofArm(page: Page, id: string, whyNot: string, shown: (page: Page) => HTMLElement[]): Built {
  const box = h("div");
  const draw = () => box.replaceChildren(...shown(page));
  draw();
  const hint = page.say(`${id}.${whyNot || "hint"}`, { baseline: page.data.experiment.baseline });
  return {
    element: section(page, id, `${id}.title`, hint, box),
    update(what) {
      if (what === "arm") draw();
    },
  };
}

/** A word that explains itself when it is pressed. */
export function term(page: Page, text: string, key: string): HTMLElement {
  const told = page.say(key);
  if (told === key) return h("span", {}, text);
  const note = h("small", { class: "explained", hidden: true }, told);
  const button = h("button", { type: "button", class: "term", title: told, "aria-expanded": "false", onclick: (event) => {
    event.stopPropagation();
    note.hidden = !note.hidden;
    button.setAttribute("aria-expanded", String(!note.hidden));
  } }, text);
  return h("span", {}, button, note);
}

/** A button that copies a text and says so. */
export function copier(page: Page, text: () => string, label = "copy"): HTMLButtonElement {
  const button = h("button", { type: "button", class: "copy", onclick: async () => {
    await copy(text());
    button.textContent = page.say("copied");
    setTimeout(() => (button.textContent = page.say(label)), 1500);
  } }, page.say(label));
  return button;
}

/** Files have no clipboard in some browsers: then what is copied is a selection. */
async function copy(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const box = h("textarea", { class: "away", "aria-hidden": "true" }, text);
    document.body.append(box);
    box.select();
    document.execCommand("copy");
    box.remove();
  }
}
