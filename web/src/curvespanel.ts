// Curves: one chart per metric, all of them obeying one set of controls.

import { Chart } from "./chart.ts";
import { looks } from "./colour.ts";
import { values } from "./data.ts";
import { h, save } from "./dom.ts";
import { metricPicker } from "./picker.ts";
import { section, type Built, type Panel } from "./panel.ts";
import type { Page } from "./state.ts";
import { swatch } from "./swatch.ts";
import { csvCell, type XAxis } from "./stats.ts";

export const curves: Panel = { id: "curves", build };

let charts: Chart[] = [];
let watcher: IntersectionObserver | null = null;

/** On paper every chart is there, also those that were never on screen. */
export function drawAll(): void {
  for (const chart of charts) chart.draw();
}

function redraw(): void {
  for (const chart of charts) chart.refresh();
}

/** Groups to press (shown or hidden; with Shift alone) and to point at (alone for a moment). */
function legend(page: Page, box: HTMLElement): void {
  const all = looks(page);
  const { hiddenGroups } = page.state;
  const names = page.groups();
  box.replaceChildren(
    ...names.map((name, index) => {
      const shown = !hiddenGroups.has(name);
      const look = (at: number | null) => charts.forEach((chart) => chart.isolateGroup(at));
      return h("button", { type: "button", class: all[index]!.rest ? "group rest" : "group", "aria-pressed": String(shown), onpointerenter: () => look(index), onpointerleave: () => look(null), onclick: (event) => {
        if ((event as MouseEvent).shiftKey) {
          const alone = names.every((other) => hiddenGroups.has(other) === (other !== name));
          hiddenGroups.clear();
          if (!alone) for (const other of names) if (other !== name) hiddenGroups.add(other);
        } else if (shown) hiddenGroups.add(name);
        else hiddenGroups.delete(name);
        legend(page, box);
        page.tell("curves");
      } }, swatch(all[index]!), h("bdi", {}, name));
    }),
  );
}

/** Fields to group by: those that differ between runs first. */
function fields(page: Page): string[] {
  const names = [...new Set(page.data.runs.flatMap((run) => Object.keys(run.fields)))];
  const differs = (name: string) => new Set(page.data.runs.map((run) => String(run.fields[name]))).size > 1;
  return [...names.filter(differs), ...names.filter((name) => !differs(name))];
}

function panels(page: Page, grid: HTMLElement): void {
  for (const chart of charts) chart.destroy();
  watcher?.disconnect();
  const chosen = page.metrics.filter((name) => page.state.metrics.has(name));
  charts = chosen.map((name) => new Chart(page, name, () => zoomed(page)));
  const found = new Map(charts.map((chart) => [chart.element as Element, chart]));
  watcher = new IntersectionObserver((entries) => {
    for (const entry of entries) found.get(entry.target)?.appear(entry.isIntersecting);
  }, { rootMargin: "50px" });
  grid.replaceChildren(...charts.map((chart) => chart.element));
  for (const chart of charts) watcher.observe(chart.element);
}

function zoomed(page: Page): void {
  document.getElementById("unzoom")!.toggleAttribute("disabled", page.state.zoom === null);
  page.tell("curves");
}

function build(page: Page): Built | null {
  if (page.metrics.length === 0) return null;
  const { state } = page;
  const grid = h("div", { class: "grid" });
  const groups = h("div", { class: "groups", role: "group", "aria-label": page.say("groups") });
  const axis = h("select", { id: "axis" }, ...["epoch", "step", "time"].map((name) => h("option", { value: name, selected: name === state.axis }, page.say(`x.${name}`))));
  axis.onchange = () => {
    state.axis = axis.value as XAxis;
    state.zoom = null;
    zoomed(page);
  };
  const amount = h("output", {}, state.smoothing.toFixed(2));
  const smoothing = h("input", { type: "range", id: "smoothing", min: 0, max: 0.99, step: 0.01 });
  smoothing.value = String(state.smoothing);
  smoothing.oninput = () => {
    state.smoothing = Number(smoothing.value);
    amount.textContent = state.smoothing.toFixed(2);
    page.tell("curves");
  };
  const group = h("select", { id: "group" }, ...fields(page).map((name) => h("option", { value: name, selected: name === state.groupBy }, name)));
  group.onchange = () => {
    state.groupBy = group.value;
    state.hiddenGroups.clear();
    legend(page, groups);
    page.tell("curves");
  };
  const toggle = (key: "log" | "outliers" | "bands" | "seeds") => {
    const box = h("input", { type: "checkbox", id: key, checked: state[key] });
    box.onchange = () => {
      state[key] = box.checked;
      page.tell("curves");
    };
    return h("label", {}, box, page.say(key));
  };
  const unzoom = h("button", { type: "button", id: "unzoom", disabled: state.zoom === null, onclick: () => {
    state.zoom = null;
    zoomed(page);
  } }, page.say("unzoom"));
  const picker = metricPicker(page, () => panels(page, grid));
  legend(page, groups);
  panels(page, grid);
  const element = section(
    page,
    "curves",
    "curves.title",
    page.say("curves.hint"),
    h(
      "div",
      { class: "controls" },
      h("label", {}, page.say("axis"), axis),
      h("label", {}, page.say("smoothing"), smoothing, amount),
      h("label", {}, page.say("group"), group),
      toggle("log"),
      toggle("outliers"),
      toggle("bands"),
      toggle("seeds"),
      unzoom,
      h("button", { type: "button", id: "csv", onclick: () => csv(page) }, page.say("csv")),
    ),
    groups,
    picker,
    grid,
  );
  return {
    element,
    update(what) {
      if (what === "stop" || what === "choice") return;
      if (what === "arm") legend(page, groups);
      redraw();
    },
  };
}

/** Every metric of the visible runs, one row per run and epoch. */
function csv(page: Page): void {
  const lines = [["arm", "seed", "epoch", ...page.metrics].map(csvCell).join(",")];
  page.data.runs.forEach((run, index) => {
    if (!page.visible(run, index)) return;
    const columns = page.metrics.map((name) => values(run, name));
    for (let epoch = 0; epoch < run.epochs; epoch++) {
      lines.push([run.arm, run.seed, epoch + 1, ...columns.map((column) => column[epoch] ?? NaN)].map(csvCell).join(","));
    }
  });
  save(`${page.data.experiment.name}-metrics.csv`, new Blob(["\ufeff", lines.join("\r\n"), "\r\n"], { type: "text/csv" }));
}

