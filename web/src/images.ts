// Validation images on which the shown arm and the baseline differ most: recovered ones, then lost ones.

import type { ChangedImage } from "./data.ts";
import { h } from "./dom.ts";
import { ofArm, type Built, type Panel } from "./panel.ts";
import type { Page } from "./state.ts";

export const images: Panel = { id: "images", build };

function build(page: Page): Built | null {
  const { why_not } = page.data.changed;
  return why_not === "no images" ? null : ofArm(page, "images", why_not, shown);
}

function shown(page: Page): HTMLElement[] {
  const found = page.data.changed.arms.find((item) => item.arm === page.state.arm) ?? page.data.changed.arms[0];
  if (!found) return [];
  const gained = found.images.filter((image) => image.after >= image.before);
  const lost = found.images.filter((image) => image.after < image.before);
  const row = (title: string, name: string, images: ChangedImage[]) => (images.length === 0 ? [] : [h("h3", {}, page.say(title, { arm: found.arm })), h("ul", { class: "images" }, ...images.map((image) => card(image, name)))]);
  return [...row("images.gained", "gain", gained), ...row("images.lost", "loss", lost)];
}

function card(image: ChangedImage, name: string): HTMLElement {
  const percent = (value: number) => `${Math.round(value * 100)} %`;
  return h(
    "li",
    { class: name },
    h("img", { src: image.png, alt: image.truth, width: 64, height: 64 }),
    h("b", {}, image.truth),
    h("span", {}, `${percent(image.before)} → ${percent(image.after)} ${name === "gain" ? "▲" : "▼"}`),
    h("span", { class: "hint" }, `${counted(image.said_before)} → ${counted(image.said_after)}`),
  );
}

/** `cat ×3, dog`: the classes that the seeds named, the most frequent first. */
export function counted(names: string[]): string {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1]).map(([name, count]) => (count > 1 ? `${name} ×${count}` : name)).join(", ");
}
