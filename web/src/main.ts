// The page: reads its data, builds itself in the chosen language, and answers the reader's choices.

import "uplot/dist/uPlot.min.css";
import "./page.css";
import { Chart } from "./chart.ts";
import { colour, isDark } from "./colour.ts";
import { values, type Payload } from "./data.ts";
import { h, save } from "./dom.ts";
import { heatMaps } from "./heat.ts";
import { about, images, notes, verdict } from "./sections.ts";
import { Page } from "./state.ts";
import { csvCell, type XAxis } from "./stats.ts";
import { runTable } from "./table.ts";

const page = new Page(JSON.parse(document.getElementById("data")!.textContent!) as Payload);
const root = document.getElementById("page")!;
let charts: Chart[] = [];
let watcher: IntersectionObserver | null = null;

function redraw(): void {
  for (const chart of charts) chart.refresh();
}

function legend(box: HTMLElement): void {
  box.replaceChildren(
    ...page.groups().map((name, index) => {
      const shown = !page.state.hiddenGroups.has(name);
      const swatch = h("i", { class: "swatch" });
      swatch.style.background = colour(index);
      return h("button", { type: "button", class: "group", "aria-pressed": String(shown), onclick: () => {
        if (shown) page.state.hiddenGroups.add(name);
        else page.state.hiddenGroups.delete(name);
        legend(box);
        redraw();
      } }, swatch, h("bdi", {}, name));
    }),
  );
}

/** Fields to group by: those that differ between runs first. */
function fields(): string[] {
  const names = [...new Set(page.data.runs.flatMap((run) => Object.keys(run.fields)))];
  const differs = (name: string) => new Set(page.data.runs.map((run) => String(run.fields[name]))).size > 1;
  return [...names.filter(differs), ...names.filter((name) => !differs(name))];
}

function panels(grid: HTMLElement): void {
  for (const chart of charts) chart.destroy();
  watcher?.disconnect();
  const sites = page.metrics.filter((name) => name.startsWith("p/"));
  const chosen = [...page.metrics.filter((name) => page.state.metrics.has(name) && !name.startsWith("p/")), ...sites];
  charts = chosen.map((name) => new Chart(page, name, zoomed));
  const found = new Map(charts.map((chart) => [chart.element as Element, chart]));
  watcher = new IntersectionObserver((entries) => {
    for (const entry of entries) found.get(entry.target)?.appear(entry.isIntersecting);
  }, { rootMargin: "50px" });
  grid.replaceChildren(...charts.map((chart) => chart.element));
  for (const chart of charts) watcher.observe(chart.element);
}

function zoomed(): void {
  document.getElementById("unzoom")!.toggleAttribute("disabled", page.state.zoom === null);
  redraw();
}

function curvesSection(): HTMLElement {
  const { state } = page;
  const grid = h("div", { class: "grid" });
  const groups = h("div", { class: "groups", role: "group", "aria-label": page.say("groups") });
  const axis = h("select", { id: "axis" }, ...["epoch", "step", "time"].map((name) => h("option", { value: name, selected: name === state.axis }, page.say(`x.${name}`))));
  axis.onchange = () => {
    state.axis = axis.value as XAxis;
    state.zoom = null;
    zoomed();
  };
  const amount = h("output", {}, state.smoothing.toFixed(2));
  const smoothing = h("input", { type: "range", id: "smoothing", min: 0, max: 0.99, step: 0.01 });
  smoothing.value = String(state.smoothing);
  smoothing.oninput = () => {
    state.smoothing = Number(smoothing.value);
    amount.textContent = state.smoothing.toFixed(2);
    redraw();
  };
  const group = h("select", { id: "group" }, ...fields().map((name) => h("option", { value: name, selected: name === state.groupBy }, name)));
  group.onchange = () => {
    state.groupBy = group.value;
    state.hiddenGroups.clear();
    legend(groups);
    redraw();
  };
  const toggle = (key: "log" | "bands" | "seeds") => {
    const box = h("input", { type: "checkbox", id: key, checked: state[key] });
    box.onchange = () => {
      state[key] = box.checked;
      redraw();
    };
    return h("label", {}, box, page.say(key));
  };
  const unzoom = h("button", { type: "button", id: "unzoom", disabled: state.zoom === null, onclick: () => {
    state.zoom = null;
    zoomed();
  } }, page.say("unzoom"));
  const choices = page.metrics.filter((name) => !name.startsWith("p/")).map((name) => {
    const box = h("input", { type: "checkbox", name: "metric", value: name, checked: state.metrics.has(name) });
    box.onchange = () => {
      if (box.checked) state.metrics.add(name);
      else state.metrics.delete(name);
      panels(grid);
    };
    return h("label", {}, box, page.metric(name));
  });
  legend(groups);
  panels(grid);
  return h(
    "section",
    { id: "curves", "aria-labelledby": "curves-title" },
    h("h2", { id: "curves-title" }, page.say("curves.title")),
    h("p", { class: "hint" }, page.say("curves.hint")),
    h(
      "div",
      { class: "controls" },
      h("label", {}, page.say("axis"), axis),
      h("label", {}, page.say("smoothing"), smoothing, amount),
      h("label", {}, page.say("group"), group),
      toggle("log"),
      toggle("bands"),
      toggle("seeds"),
      unzoom,
      h("button", { type: "button", id: "csv", onclick: csv }, page.say("csv")),
    ),
    groups,
    h("details", { class: "choices" }, h("summary", {}, page.say("metrics")), h("div", { class: "controls" }, ...choices)),
    grid,
  );
}

/** Every metric of the visible runs, one row per run and epoch. */
function csv(): void {
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

function header(): HTMLElement {
  const languages = Object.keys(page.data.words).map((code) =>
    h("button", { type: "button", lang: code, "data-lang": code, "aria-pressed": String(code === page.state.lang), onclick: () => {
      page.state.lang = code;
      build();
    } }, page.data.words[code]!["language"] ?? code),
  );
  const theme = h("button", { type: "button", id: "theme", onclick: () => {
    document.documentElement.dataset.theme = isDark() ? "light" : "dark";
    build();
  } }, page.say("theme"));
  const links = ["verdict", "curves", "runs", "histograms", "images", "about"].map((id) => h("a", { href: `#${id}` }, page.say(`nav.${id}`)));
  return h("header", {}, h("b", {}, "droplab"), h("nav", { "aria-label": page.say("nav") }, ...links), h("span", { class: "switch" }, ...languages, theme));
}

/** Build everything in the chosen language and theme; what is open and what has the focus stay so. */
function build(): void {
  const controls = () => [...root.querySelectorAll<HTMLElement>("a, button, input, select, summary, [tabindex]")];
  const focused = controls().indexOf(document.activeElement as HTMLElement);
  const open = [...root.querySelectorAll("details")].map((details) => details.open);
  document.documentElement.lang = page.state.lang;
  const { done } = page.data.experiment;
  const table = runTable(page, redraw);
  root.replaceChildren(
    ...[
      header(),
      done < page.data.runs.length ? h("p", { class: "banner", role: "status" }, page.say("unfinished", { done, all: page.data.runs.length })) : null,
      verdict(page),
      curvesSection(),
      table.element,
      heatMaps(page),
      images(page),
      notes(page),
      about(page),
    ].filter((part): part is HTMLElement => part !== null),
  );
  root.querySelectorAll("details").forEach((details, i) => details.toggleAttribute("open", open[i] ?? false));
  if (focused >= 0) controls()[focused]?.focus({ preventScroll: true });
}

/** On paper everything is light, and every chart is there, also those that were never on screen. */
function onPaper(): void {
  const theme = document.documentElement.dataset.theme;
  document.documentElement.dataset.theme = "light";
  build();
  for (const chart of charts) chart.draw();
  addEventListener("afterprint", () => {
    if (theme) document.documentElement.dataset.theme = theme;
    else delete document.documentElement.dataset.theme;
    build();
  }, { once: true });
}

build();
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", build);
addEventListener("beforeprint", onPaper);
let width = innerWidth;
addEventListener("resize", () => {
  if (innerWidth === width) return; // a phone's bars come and go
  width = innerWidth;
  redraw();
});
