// Dose and response: each question against the drop rate, all on one axis of p.

import type { Line } from "./data.ts";
import { h, s } from "./dom.ts";
import { read } from "./format.ts";
import type { Matrix } from "./matrix.ts";
import { outside, scaleOf, share } from "./scale.ts";
import type { Page } from "./state.ts";
import { differences, ticks } from "./ticks.ts";

const [WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [560, 132, 56, 548, 22, 118];
const CHARTS = 4;

export function doseResponse(page: Page, doses: Record<string, number>): Matrix {
  const lines = page.data.stops.lines.filter((line) => line.role === "deployed" || line.role === "val" || line.role === "fit").slice(0, CHARTS);
  const box = h("div", { class: "doses" });
  const update = () => box.replaceChildren(...lines.map((line) => chart(page, doses, line)));
  update();
  return { element: box, update };
}

function chart(page: Page, doses: Record<string, number>, line: Line): HTMLElement {
  const { baseline } = page.data.experiment;
  const others = page.data.experiment.arms.filter((arm) => arm !== baseline).sort((a, b) => doses[a]! - doses[b]!);
  const figures = others.map((arm) => ({ arm, figure: page.figure(line, arm) }));
  const scale = scaleOf(figures.map((item) => item.figure));
  const most = Math.max(...Object.values(doses));
  const px = (p: number) => LEFT + 10 + (p / (most || 1)) * (RIGHT - LEFT - 20);
  const py = (value: number) => BOTTOM - share(scale, value) * (BOTTOM - TOP);
  const factor = line.unit === "share" ? 100 : 1;
  const label = `${page.line(line)}: ${figures.map(({ arm, figure }) => `${arm} ${read(figure, line.unit).mean}`).join("; ")}`;
  const picture = s("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT + 30}`, class: "dose", role: "group", "aria-label": label, "data-endpoint": line.endpoint });
  const text = (x: number, y: number, words: string, anchor = "middle", name = "") => s("text", { x, y, "text-anchor": anchor, class: name }, words);
  const steps = ticks(scale.low * factor, scale.high * factor, 3);
  const beside = differences(steps);
  steps.forEach((value, i) => picture.append(text(LEFT - 6, py(value / factor) + 4, beside[i]!, "end"), s("line", { x1: LEFT, x2: RIGHT, y1: py(value / factor), y2: py(value / factor), class: value === 0 ? "zero" : "rule" })));
  if (line.role !== "fit") picture.append(text(RIGHT, TOP - 8, `${page.say("effects.better")} ${line.better > 0 ? "↑" : "↓"}`, "end", "good"));
  picture.append(s("line", { x1: px(doses[page.state.arm] ?? 0), x2: px(doses[page.state.arm] ?? 0), y1: TOP, y2: BOTTOM, class: "pick" }));
  picture.append(s("path", { d: figures.filter(({ figure }) => Number.isFinite(figure.mean)).map(({ arm, figure }, i) => `${i ? "L" : `M${px(doses[baseline] ?? 0)} ${py(0)}L`}${px(doses[arm]!)} ${py(figure.mean)}`).join(""), class: "trend" }));
  picture.append(s("circle", { cx: px(doses[baseline] ?? 0), cy: py(0), r: 3.5, class: "base" }));
  for (const { arm, figure } of figures) {
    if (!Number.isFinite(figure.mean)) continue;
    const x = px(doses[arm]!);
    const { change, mean, interval } = read(figure, line.unit);
    const says = figure.tested || page.state.stop !== null ? figure.says : "untested";
    const words = `${arm}: ${change} ${mean} ${interval} ${page.say(`pill.${says}`)}`;
    const off = outside(scale, figure.mean);
    const point = s("g", { class: `point ${says}${arm === page.state.arm ? " picked" : ""}`, tabindex: 0, role: "button", "aria-label": words, "data-arm": arm, onclick: () => page.pick(arm), onkeydown: (event) => {
      if ((event as KeyboardEvent).key === "Enter" || (event as KeyboardEvent).key === " ") {
        event.preventDefault();
        page.pick(arm);
      }
    } }, s("title", {}, words));
    point.append(s("rect", { x: x - 10, y: TOP - 6, width: 20, height: BOTTOM - TOP + 12, class: "touch" }));
    if (Number.isFinite(figure.low)) point.append(s("line", { x1: x, x2: x, y1: py(figure.low), y2: py(figure.high), class: "plain" }));
    if (figure.wide) point.append(s("line", { x1: x, x2: x, y1: py(figure.wide[0]), y2: py(figure.wide[1]), class: "wide" }));
    if (off) point.append(s("path", { d: off > 0 ? `M${x} ${TOP - 5}l-5 8h10z` : `M${x} ${BOTTOM + 5}l-5 -8h10z`, class: "mean" }), text(x, off > 0 ? TOP + 14 : BOTTOM - 8, mean, "end"));
    else point.append(s("circle", { cx: x, cy: py(figure.mean), r: arm === page.state.arm ? 5 : 3.5, class: "mean" }));
    picture.append(point);
  }
  const shown = [...new Set(Object.values(doses))].sort((a, b) => a - b);
  let last = -Infinity;
  for (const p of shown) {
    if (px(p) - last < 26) continue;
    last = px(p);
    picture.append(text(px(p), BOTTOM + 18, String(Number(p.toPrecision(3)))));
  }
  picture.append(text((LEFT + RIGHT) / 2, HEIGHT + 26, page.say("dose.axis")));
  return h("figure", { class: "dosed" }, h("figcaption", {}, page.line(line)), picture);
}
