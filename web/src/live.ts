// A page that is fed while training runs: new epochs are drawn where they belong, and the reader's choices stay.

import { take, written } from "./address.ts";
import type { Live, Payload, Run } from "./data.ts";
import { h } from "./dom.ts";
import type { Page } from "./state.ts";
import { listen } from "./stream.ts";

interface Message {
  count: number; // of runs
  parts: Partial<Omit<Payload, "runs">>;
  runs: Record<string, Run>; // by their places
}

const QUIET = 120_000; // milliseconds without news of training that are worth a word

let following = false;
let here = false;

/** Follow the board from now on; `build` builds the page anew. */
export function follow(page: Page, address: string, build: () => void): void {
  following = true;
  listen<Message>(
    address,
    (news) => {
      if (news.map((one) => merge(page.data, one)).some((all) => all)) {
        const chosen = written(page);
        page.renew(page.data);
        take(page, chosen);
        build();
      } else {
        page.version++;
        page.tell("data");
      }
      told(page);
    },
    (connected) => {
      here = connected;
      told(page);
    },
  );
  setInterval(() => told(page), 15_000);
  told(page);
}

/** Put what is new in its place; whether more than the figures of runs is another. */
export function merge(data: Payload, { count, parts, runs }: Message): boolean {
  const { live, ...others } = parts;
  if (live) data.live = live;
  let all = Object.keys(others).length > 0 || count !== data.runs.length;
  Object.assign(data, others);
  for (const [place, run] of Object.entries(runs)) {
    const before = data.runs[Number(place)];
    all ||= Object.keys(run.metrics).join() !== Object.keys(before?.metrics ?? {}).join();
    data.runs[Number(place)] = run;
  }
  data.runs.length = Math.min(count, data.runs.length);
  return all;
}

const sign = h("span", { id: "live" });

/** What the header says of the connection and of training; nothing on a page that is a file. */
export function status(page: Page): HTMLElement[] {
  if (!following) return [];
  told(page);
  return [h("span", { class: "following" }, sign, h("a", { id: "share", href: "page.html", download: true }, page.say("live.share")))];
}

/** The way back to the list of experiments. */
export function brand(): HTMLElement {
  return following ? h("a", { class: "brand", href: "../../" }, "droplab") : h("b", { class: "brand" }, "droplab");
}

function told(page: Page): void {
  const { state, trouble, changed } = page.data.live ?? ({ state: "", trouble: null, changed: 0 } satisfies Live);
  const time = new Date(1000 * changed).toLocaleTimeString(page.state.lang, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
  const quiet = Date.now() - 1000 * changed > QUIET;
  const key = !here ? "lost" : trouble ? "trouble" : state !== "running" ? "still" : quiet ? "quiet" : "here";
  const text = page.say(`live.${key}`, { time });
  if (sign.dataset.is === key && sign.textContent === text) return;
  sign.dataset.is = key;
  sign.title = key === "trouble" ? trouble![page.state.lang]! : page.say(`live.${key}.more`, { time });
  sign.textContent = text;
}
