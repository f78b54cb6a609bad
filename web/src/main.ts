// The page: reads its data, builds its panels in the chosen language, and lets them know of the reader's choices.

import "uplot/dist/uPlot.min.css";
import "./page.css";
import { remember, take } from "./address.ts";
import { drawAll } from "./curvespanel.ts";
import type { Payload } from "./data.ts";
import { Delivery } from "./delivery.ts";
import { header } from "./header.ts";
import { keep } from "./keep.ts";
import { follow } from "./live.ts";
import { panels } from "./panels.ts";
import { Page } from "./state.ts";

const given = document.getElementById("data")!;
const page = new Page(JSON.parse(given.textContent!) as Payload);
const root = document.getElementById("page")!;
let delivery: Delivery | null = null;

/** Build everything in the chosen language and theme; what the reader is at stays. */
function build(): void {
  const goOn = keep(root);
  document.documentElement.lang = page.state.lang;
  page.deaf();
  const built = panels.map((panel) => ({ id: panel.id, made: panel.build(page) })).filter((one) => one.made !== null);
  delivery?.end();
  page.hear(() => remember(page));
  root.replaceChildren(header(page, built.map((one) => one.id), build), ...built.map((one) => one.made!.element));
  const sent = (delivery = new Delivery(root, built.map((one) => one.made!)));
  page.hear((what) => sent.send(what));
  goOn();
  remember(page);
}

/** On paper everything is light, and every chart is there, also those that were never on screen. */
function onPaper(): void {
  const theme = document.documentElement.dataset.theme;
  document.documentElement.dataset.theme = "light";
  document.documentElement.classList.add("paper");
  build();
  drawAll();
  addEventListener("afterprint", () => {
    document.documentElement.classList.remove("paper");
    if (theme) document.documentElement.dataset.theme = theme;
    else delete document.documentElement.dataset.theme;
    build();
  }, { once: true });
}

function goTo(): void {
  if (page.at) document.getElementById(page.at)?.scrollIntoView();
}

/** First the answer, so that it can be seen; then, once, everything. */
function begin(): void {
  document.documentElement.lang = page.state.lang;
  root.replaceChildren(header(page, [], build), panels[0]!.build(page)!.element);
  let begun = false;
  const all = (): void => {
    if (begun) return;
    begun = true;
    if (given.dataset.follow) follow(page, given.dataset.follow, build);
    build();
    goTo();
  };
  requestAnimationFrame(() => setTimeout(all));
  setTimeout(all, 300); // a page that nobody sees is not painted
}

take(page, location.hash);
begin();
addEventListener("hashchange", () => {
  take(page, location.hash);
  build();
  goTo();
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", build);
addEventListener("beforeprint", onPaper);
let width = innerWidth;
addEventListener("resize", () => {
  if (innerWidth === width) return; // a phone's bars come and go
  width = innerWidth;
  page.tell("curves");
});
