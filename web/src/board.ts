// The board: every experiment in one list that follows training, and some of them side by side.

import "./page.css";
import "./board.css";
import { switchTheme } from "./address.ts";
import { cards } from "./boardcards.ts";
import { List, type Given, type News } from "./boardlist.ts";
import { table } from "./boardtable.ts";
import { h } from "./dom.ts";
import { keep } from "./keep.ts";
import { listen } from "./stream.ts";

const given = document.getElementById("data")!;
const list = new List(JSON.parse(given.textContent!) as Given);
const root = document.getElementById("page")!;
let here = true;

/** Build everything; what the reader is at stays. */
function build(): void {
  const goOn = keep(root);
  document.documentElement.lang = list.lang;
  const running = list.rows.filter((row) => row.state === "running").length;
  root.replaceChildren(
    header(),
    h(
      "section",
      { id: "experiments", "aria-labelledby": "title" },
      h("h1", { id: "title" }, list.say("title")),
      h("p", { class: "hint" }, list.say("count", { count: list.rows.length, running })),
      ...list.waiting.map((place) => h("p", { class: "noticed waiting" }, list.say("waiting"), " ", h("code", {}, place))),
      ...(list.rows.length > 0 ? [table(list, chosen)] : []),
    ),
    ...[cards(list, chosen)].filter((one) => one !== null),
  );
  goOn();
}

function header(): HTMLElement {
  const languages = Object.keys(list.words).map((code) =>
    h("button", { type: "button", lang: code, "data-lang": code, "aria-pressed": String(code === list.lang), onclick: () => {
      list.lang = code;
      chosen();
    } }, list.words[code]!["language"] ?? code),
  );
  const theme = h("button", { type: "button", id: "theme", onclick: () => {
    switchTheme();
    chosen();
  } }, list.say("theme"));
  return h("header", {}, h("b", { class: "brand" }, "droplab"), h("span", { class: "name" }, list.say("board")), h("nav", {}), h("span", { class: "following" }, h("span", { id: "live", "data-is": here ? "here" : "lost" }, list.say(here ? "live" : "lost"))), h("span", { class: "switch" }, ...languages, theme));
}

/** Build for the reader's choices, which stand in the address. */
function chosen(): void {
  const text = list.written();
  history.replaceState(null, "", text ? `#${text}` : location.href.split("#")[0]);
  build();
}

list.read(location.hash);
build();
addEventListener("hashchange", () => {
  list.read(location.hash);
  build();
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", build);
if (given.dataset.follow)
  listen<News>(
    given.dataset.follow,
    (news) => {
      list.take(news);
      build();
    },
    (connected) => {
      if (connected === here) return;
      here = connected;
      build();
    },
  );
