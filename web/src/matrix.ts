// All arms against the baseline: arms in rows, sorted by effect, questions in columns, one scale for each column.

import type { Line } from "./data.ts";
import { h, s } from "./dom.ts";
import type { Figure } from "./figures.ts";
import { digits, read, signed } from "./format.ts";
import { outside, scaleOf, share, type Scale } from "./scale.ts";
import type { Page } from "./state.ts";

const [WIDTH, HEIGHT] = [120, 14];
const by = (line: Line) => (line.unit === "share" ? 100 : 1);

export interface Matrix {
  element: HTMLElement;
  update(): void;
}

export function matrix(page: Page): Matrix {
  const { arms, baseline } = page.data.experiment;
  const others = arms.filter((arm) => arm !== baseline);
  const lines = page.data.stops.lines.filter((line) => line.role !== "rise");
  const head = h("thead");
  const body = h("tbody");

  function update(): void {
    const columns = lines.map((line) => {
      const figures = new Map(others.map((arm) => [arm, page.figure(line, arm)]));
      return { line, figures, scale: scaleOf([...figures.values()]) };
    });
    const first = columns[0];
    const order = first ? [...others].sort((a, b) => rank(first.line, first.figures.get(a)!) - rank(first.line, first.figures.get(b)!)) : others;
    head.replaceChildren(
      h("tr", {}, h("th", { scope: "col" }, page.say("table.arm")), ...columns.map(({ line }) => h("th", { scope: "col" }, page.line(line)))),
      h("tr", { class: "axis" }, h("td", {}), ...columns.map(({ line, scale }) => h("td", {}, axis(page, line, scale)))),
    );
    body.replaceChildren(
      ...order.map((arm) =>
        h(
          "tr",
          { "data-arm": arm, class: arm === page.state.arm ? "picked" : "", onclick: () => page.pick(arm) },
          h("th", { scope: "row" }, h("button", { type: "button", class: "name", "aria-pressed": String(arm === page.state.arm) }, h("bdi", {}, arm))),
          ...columns.map(({ line, figures, scale }) => cell(page, line, arm, figures.get(arm)!, scale)),
        ),
      ),
    );
  }

  update();
  return { element: h("div", { class: "scroll", tabindex: 0 }, h("table", { class: "matrix" }, head, body)), update };
}

/** The best first; what has no number last. */
function rank(line: Line, figure: Figure): number {
  return Number.isFinite(figure.mean) ? -line.better * figure.mean : Infinity;
}

function cell(page: Page, line: Line, arm: string, figure: Figure, scale: Scale): HTMLElement {
  const { change, mean, interval } = read(figure, line.unit);
  const known = figure.tested !== null || page.state.stop !== null;
  const says = known ? figure.says : "untested";
  const words = page.say(`pill.${says}`);
  const label = `${page.line(line)}: ${change} ${mean} ${interval} ${words}`;
  return h("td", { class: says, "data-endpoint": line.endpoint, "data-name": page.line(line), title: label }, drawing(page, line, arm, figure, scale), h("span", { class: "value" }, mean.replace(" pp", "")), h("span", { class: "away" }, ` ${interval} ${words}`));
}

/** Thick: the plain interval; thin: the one that decides; a square: the mean, or an arrow where it is off the scale. */
function drawing(page: Page, line: Line, arm: string, figure: Figure, scale: Scale): SVGElement {
  const at = (value: number) => 3 + share(scale, value) * (WIDTH - 6);
  const middle = HEIGHT / 2;
  const picture = s("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, "aria-hidden": "true", class: "effect" });
  picture.append(s("line", { x1: at(0), x2: at(0), y1: 0, y2: HEIGHT, class: "zero" }));
  const { margin } = figure.tested ?? { margin: null };
  if (margin !== null) for (const edge of [-margin, margin]) if (!outside(scale, edge)) picture.append(s("line", { x1: at(edge), x2: at(edge), y1: 0, y2: HEIGHT, class: "margin" }));
  if (!Number.isFinite(figure.mean)) return picture;
  const dots = seeds(page, line, arm, figure).map((value) => `M${at(value).toFixed(1)} ${middle}h0`).join("");
  if (dots) picture.append(s("path", { d: dots, class: "seeds" }));
  const bar = (low: number, high: number, name: string) => {
    if (Number.isFinite(low)) picture.append(s("line", { x1: at(low), x2: at(high), y1: middle, y2: middle, class: name }));
  };
  if (figure.wide) bar(...figure.wide, "wide");
  bar(figure.low, figure.high, "plain");
  const off = outside(scale, figure.mean);
  if (off) picture.append(s("path", { d: off < 0 ? `M1 ${middle}l6 -4v8z` : `M${WIDTH - 1} ${middle}l-6 -4v8z`, class: "arrow" }));
  else picture.append(s("rect", { x: at(figure.mean) - 3, y: middle - 3, width: 6, height: 6, class: "mean" }));
  return picture;
}

/** Differences by seed, where training ends. */
function seeds(page: Page, line: Line, arm: string, figure: Figure): number[] {
  const { baseline } = page.data.experiment;
  const place = page.state.stop ?? page.stops.epochs.length - 1;
  return figure.seeds.map((seed) => page.stops.run(line, arm, seed, place) - page.stops.run(line, baseline, seed, place)).filter(Number.isFinite);
}

/** Zero, both ends, and which side is the better one. */
function axis(page: Page, line: Line, scale: Scale): SVGElement {
  const at = (value: number) => 3 + share(scale, value) * (WIDTH - 6);
  const places = digits((scale.high - scale.low) * by(line), 0) - 1;
  const end = (value: number) => signed(value * by(line), Math.max(0, places), Math.max(-scale.low, scale.high) * by(line));
  const picture = s("svg", { viewBox: `0 0 ${WIDTH} 24`, role: "img", "aria-label": `${end(scale.low)} … ${end(scale.high)}`, class: "effect" });
  const text = (x: number, y: number, words: string, anchor: string, name = "") => picture.append(s("text", { x, y, "text-anchor": anchor, class: name }, words));
  const zero = at(0);
  if (zero > 34) text(2, 22, end(scale.low), "start");
  if (zero < WIDTH - 34) text(WIDTH - 2, 22, end(scale.high), "end");
  text(zero, 22, "0", "middle");
  const toRight = line.better > 0;
  if (line.role === "val" || line.role === "deployed") {
    if (toRight ? zero < WIDTH - 54 : zero > 54) text(toRight ? zero + 4 : zero - 4, 9, toRight ? `${page.say("effects.better")} →` : `← ${page.say("effects.better")}`, toRight ? "start" : "end", "good");
    else text(toRight ? zero - 4 : zero + 4, 9, toRight ? `← ${page.say("effects.worse")}` : `${page.say("effects.worse")} →`, toRight ? "end" : "start", "bad");
  }
  return picture;
}
