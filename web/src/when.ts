// When would you stop? The paired difference over epochs, and the handle that moves the page to another epoch.

import type { Line } from "./data.ts";
import { h, s } from "./dom.ts";
import { read } from "./format.ts";
import { section, type Built, type Panel } from "./panel.ts";
import { MOST, NEVER, pill } from "./pill.ts";
import type { Page } from "./state.ts";
import { differences, ticks } from "./ticks.ts";

const [WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [960, 300, 64, 944, 14, 254];

export const when: Panel = { id: "when", build };

function build(page: Page): Built | null {
  const { epochs, lines } = page.data.stops;
  const { baseline } = page.data.experiment;
  const shown = lines.filter((line) => line.role !== "rise");
  if (epochs.length < 2 || !page.stops.compared || shown.length === 0) return null;
  const ask = h("select", { id: "ask" }, ...shown.map((line) => h("option", { value: line.endpoint }, page.line(line))));
  const range = h("input", { type: "range", id: "stop", min: 0, max: epochs.length - 1, step: 1, "aria-label": page.say("when.handle") });
  const hint = h("p", { class: "hint" });
  const box = h("div", { class: "whole" });
  const told = h("output", { for: "stop", class: "told" });
  const summary = h("p", {});
  const more = h("ul", { class: "decide" });
  const now = h("ul", { class: "now", "aria-label": page.say("when.now") });
  const moving = s("g", { class: "moving" });
  let scale = { low: 0, high: 1 };

  const line = (): Line => shown.find((one) => one.endpoint === page.state.ask) ?? shown[0]!;
  const px = (place: number) => LEFT + (place / (epochs.length - 1)) * (RIGHT - LEFT);
  const py = (value: number) => BOTTOM - ((Math.min(scale.high, Math.max(scale.low, value)) - scale.low) / (scale.high - scale.low)) * (BOTTOM - TOP);

  function to(place: number | null): void {
    const last = epochs.length - 1;
    const next = place === null || place >= last ? null : Math.max(0, place);
    if (next === page.state.stop) return;
    page.state.stop = next;
    page.tell("stop");
  }

  /** The handle follows a mouse or finger once a frame. */
  let wanted: number | null = null;
  function soon(place: number): void {
    if (wanted === null) requestAnimationFrame(() => {
      const found = wanted;
      wanted = null;
      if (found !== null) to(found);
    });
    wanted = place;
  }
  range.oninput = () => soon(Number(range.value));
  ask.onchange = () => {
    page.state.ask = ask.value;
    page.tell("arm");
  };

  function draw(): void {
    const asked = line();
    const { arm } = page.state;
    ask.value = asked.endpoint;
    hint.textContent = page.say("when.hint", { arm, baseline });
    const figures = epochs.map((_, place) => page.stops.described(asked, arm, place));
    const seeds = figures[0]!.seeds.map((seed) => epochs.map((_, place) => page.stops.run(asked, arm, seed, place) - page.stops.run(asked, baseline, seed, place)));
    scale = limits([...figures.map((figure) => figure.mean), ...seeds.flat()]);
    const factor = asked.unit === "share" ? 100 : 1;
    const path = (values: number[]) => values.map((value, i) => (Number.isFinite(value) ? `${i > 0 && Number.isFinite(values[i - 1]) ? "L" : "M"}${px(i).toFixed(1)} ${py(value).toFixed(1)}` : "")).join("");
    const banded = figures.map((figure, place) => ({ place, ...figure })).filter((figure) => Number.isFinite(figure.low));
    const picture = s("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "paired", role: "img", "aria-label": `${page.line(asked)}: ${page.say("when.hint", { arm, baseline })}`, "data-endpoint": asked.endpoint });
    const text = (x: number, y: number, words: string, anchor: string, name = "") => s("text", { x, y, "text-anchor": anchor, class: name }, words);
    const zero = py(0);
    const above = asked.better > 0;
    picture.append(s("rect", { x: LEFT, width: RIGHT - LEFT, y: above ? TOP : zero, height: above ? zero - TOP : BOTTOM - zero, class: "side" }));
    const steps = ticks(scale.low * factor, scale.high * factor);
    const beside = differences(steps);
    steps.forEach((value, i) => picture.append(text(LEFT - 8, py(value / factor) + 4, beside[i]!, "end"), s("line", { x1: LEFT, x2: RIGHT, y1: py(value / factor), y2: py(value / factor), class: "rule" })));
    picture.append(s("line", { x1: LEFT, x2: RIGHT, y1: zero, y2: zero, class: "zero" }));
    if (banded.length > 0) picture.append(s("polygon", { points: [...banded.map((one) => `${px(one.place).toFixed(1)},${py(one.high).toFixed(1)}`), ...banded.reverse().map((one) => `${px(one.place).toFixed(1)},${py(one.low).toFixed(1)}`)].join(" "), class: "band" }));
    for (const values of seeds) picture.append(s("path", { d: path(values), class: "seed" }));
    picture.append(s("path", { d: path(figures.map((figure) => figure.mean)), class: "line" }));
    for (const epoch of marks(epochs)) picture.append(text(px(epochs.indexOf(epoch)), BOTTOM + 18, String(epoch), "middle"));
    picture.append(text((LEFT + RIGHT) / 2, BOTTOM + 38, page.say("when.axis"), "middle"));
    const short = (words: string) => words.slice(0, 60);
    if (Math.abs((above ? zero - TOP : BOTTOM - zero)) > 24) picture.append(text(RIGHT - 6, above ? TOP + 14 : BOTTOM - 8, short(page.say("when.better", { arm })), "end", "good"));
    if (Math.abs((above ? BOTTOM - zero : zero - TOP)) > 24) picture.append(text(RIGHT - 6, above ? BOTTOM - 8 : TOP + 14, short(page.say("when.worse", { arm })), "end", "bad"));
    picture.append(moving);
    const place = (event: Event) => {
      const rect = picture.getBoundingClientRect();
      const x = (((event as PointerEvent).clientX - rect.left) / rect.width) * WIDTH;
      return Math.round(((x - LEFT) / (RIGHT - LEFT)) * (epochs.length - 1));
    };
    picture.addEventListener("pointerdown", (event) => {
      picture.setPointerCapture((event as PointerEvent).pointerId);
      soon(Math.max(0, place(event)));
    });
    picture.addEventListener("pointermove", (event) => {
      if ((event as PointerEvent).buttons & 1) soon(Math.max(0, place(event)));
    });
    box.replaceChildren(picture);
    const says = page.stops.says(asked, arm);
    const end = says.at(-1) ?? "open";
    let from = says.length - 1;
    while (from > 0 && says[from - 1] === end) from--;
    const way = end === "better" ? "ahead" : end === "worse" ? "behind" : "level";
    summary.textContent = asked.role === "val" || asked.role === "deployed" ? page.say(`when.${way}`, { arm, epoch: epochs[from] ?? 1 }) : "";
    more.replaceChildren(...decide(page));
  }

  function move(): void {
    const asked = line();
    const place = page.state.stop ?? epochs.length - 1;
    const figure = page.stops.described(asked, page.state.arm, place);
    const tested = page.state.stop === null && page.figure(asked).tested !== null;
    const words = page.say(tested ? "when.tested" : "when.descriptive");
    const { mean, interval } = read(page.state.stop === null ? page.figure(asked) : figure, asked.unit);
    range.value = String(place);
    for (const button of ends) button.setAttribute("aria-pressed", String(button.dataset.stop === String(page.state.stop)));
    range.setAttribute("aria-valuetext", `${page.say("x.epoch")} ${epochs[place]}`);
    told.replaceChildren(h("b", {}, `${page.say("x.epoch")} ${epochs[place]}: ${mean} ${interval}`), h("span", { class: tested ? "mark" : "mark described" }, words));
    now.replaceChildren(...lines.filter((one) => one.role !== "gap").map((one) => h("li", {}, h("span", { class: "hint" }, page.line(one)), h("b", {}, read(page.figure(one), one.unit).mean), pill(page, one, page.figure(one)))));
    moving.replaceChildren(s("line", { x1: px(place), x2: px(place), y1: TOP, y2: BOTTOM, class: "scrub" }), s("circle", { cx: px(place), cy: Number.isFinite(figure.mean) ? py(figure.mean) : BOTTOM, r: 7, class: "knob" }));
  }

  const turn = baselineTurn(page);
  const end = (id: string, stop: number | null, words: string) => h("button", { type: "button", id, "data-stop": String(stop), onclick: () => to(stop) }, words);
  const ends = [end("stop-last", null, page.say("when.last"))];
  if (turn !== null) ends.push(end("stop-turn", turn, page.say("when.turn", { baseline })));
  draw();
  move();
  const element = section(
    page,
    "when",
    "when.title",
    null,
    hint,
    h(
      "div",
      { class: "controls" },
      h("label", {}, page.say("when.ask"), ask),
      ...ends,
      told,
    ),
    box,
    h("div", { class: "handle" }, range),
    now,
    summary,
    h("h3", {}, page.say("when.decide")),
    more,
  );
  return {
    element,
    update(what) {
      if (what === "arm") draw();
      if (what === "arm" || what === "stop") move();
    },
  };
}

/** The range of what is drawn; a spike of one seed in the first epochs does not set it alone. */
function limits(values: number[]): { low: number; high: number } {
  const known = [...values.filter(Number.isFinite), 0].sort((a, b) => a - b);
  const at = (share: number) => known[Math.round(share * (known.length - 1))]!;
  const low = Math.min(0, at(0.01));
  const high = Math.max(0, at(0.99));
  const room = (high - low || 1) * 0.06;
  return { low: low - room, high: high + room };
}

/** Epochs with a number: the first, the last and round ones between. */
function marks(epochs: number[]): number[] {
  const [first, last] = [epochs[0]!, epochs.at(-1)!];
  const step = ticks(0, last, 8)[1] ?? last;
  const round = epochs.filter((epoch) => epoch % Math.max(1, Math.round(step)) === 0 && epoch > first + step / 2 && epoch < last - step / 2);
  return [...new Set([first, ...round, last])];
}

/** The place of the epoch at which the baseline turns, on the mean. */
function baselineTurn(page: Page): number | null {
  const line = page.data.stops.lines.find((one) => one.role === "turn");
  if (!line) return null;
  const figure = page.stops.described(line, page.state.arm, page.stops.epochs.length - 1);
  if (!Number.isFinite(figure.before)) return null;
  const nearest = page.stops.epochs.reduce((best, epoch, place) => (Math.abs(epoch - figure.before) < Math.abs(page.stops.epochs[best]! - figure.before) ? place : best), 0);
  return nearest >= page.stops.epochs.length - 1 ? null : nearest;
}

/** Seeds and time that would decide what is open. */
function decide(page: Page): HTMLElement[] {
  const { arm } = page.state;
  const { seconds, baseline } = page.data.experiment;
  const open = page.data.stops.lines
    .map((line) => ({ line, figure: page.stops.figure(line, arm, null) }))
    .filter(({ line, figure }) => line.role !== "rise" && figure.tested?.consequence === "open" && figure.tested.needed !== null);
  const pair = (seconds[arm] ?? NaN) + (seconds[baseline] ?? NaN);
  const items = open.map(({ line, figure }) => {
    const needed = figure.tested!.needed!;
    const name = page.line(line);
    if (needed === NEVER) return h("li", {}, page.say("when.never", { name }));
    if (needed > MOST) return h("li", {}, page.say("when.many", { name, most: MOST }));
    const pairs = Math.max(0, needed - figure.seeds.length);
    if (!Number.isFinite(pair)) return h("li", {}, page.say("when.runs", { name, seeds: needed, runs: 2 * pairs }));
    return h("li", {}, page.say("when.more", { name, seeds: needed, runs: 2 * pairs, time: time(page, pairs * pair) }));
  });
  return items.length > 0 ? items : [h("li", {}, page.say("when.nothing"))];
}

/** Seconds, minutes or hours. */
export function time(page: Page, seconds: number): string {
  if (!Number.isFinite(seconds)) return "–";
  if (seconds < 90) return page.say("seconds", { count: Math.round(seconds) });
  if (seconds < 5400) return page.say("minutes", { count: Math.round(seconds / 60) });
  return page.say("hours", { count: Number((seconds / 3600).toFixed(1)) });
}
