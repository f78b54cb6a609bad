// The run table: what differs between runs, how they ended, their curves in small; sort, filter, hide, copy.

import { looks } from "./colour.ts";
import { values, type Measures, type Run } from "./data.ts";
import { h, s } from "./dom.ts";
import { copier, section, type Built, type Panel } from "./panel.ts";
import type { Page } from "./state.ts";
import { show } from "./stats.ts";
import { swatch } from "./swatch.ts";

export interface Column {
  key: string;
  value: (run: Run) => string | number;
}

export const runs: Panel = { id: "runs", build };

const end = (metric: string) => (run: Run) => values(run, metric).at(-1) ?? NaN;
const total = (metric: string) => (run: Run) => (run.epochs > 0 && !run.metrics[metric] ? NaN : values(run, metric).reduce((sum, value) => sum + value, 0));
const FIELDS = 6; // columns of what differs
const LETTERS = 24; // of a field's value
const ROWS = 30; // made at a time

/** Which run, how far it is, its measures at the last epoch, the best value of the primary one, and its time. */
export function columns(measures: Measures): Column[] {
  const { best, better } = measures;
  const most = better === "lower" ? Math.min : Math.max;
  const worst = better === "lower" ? Infinity : -Infinity;
  return [
    { key: "arm", value: (run) => run.arm },
    { key: "seed", value: (run) => run.seed },
    { key: "state", value: (run) => run.state },
    { key: "epochs", value: (run) => run.epochs },
    ...measures.columns.map((metric) => ({ key: metric, value: end(metric) })),
    ...(best ? [{ key: "best", value: (run: Run) => values(run, best).reduce((kept, value) => (Number.isNaN(value) ? kept : most(kept, value)), worst) }] : []),
    { key: "seconds", value: total("seconds") },
  ];
}

/** What differs between the arms of these runs, beside their names. */
export function differing(all: Run[]): Column[] {
  const names = [...new Set(all.flatMap((run) => Object.keys(run.fields)))].filter((name) => name !== "arm.name" && name !== "seed");
  const text = (run: Run, name: string) => String(run.fields[name] ?? "");
  return names
    .filter((name) => new Set(all.map((run) => text(run, name))).size > 1)
    .slice(0, FIELDS)
    .map((name) => ({ key: name, value: (run: Run) => (typeof run.fields[name] === "number" ? (run.fields[name] as number) : text(run, name) || "–") }));
}

/** Rows in the chosen order; runs without a value come last either way. Without one, failed runs come first. */
export function sorted(all: Run[], key: string, down: boolean, shown: Column[]): Run[] {
  const column = shown.find((item) => item.key === key);
  if (!column) return all.some((run) => run.state === "failed") ? [...all.filter((run) => run.state === "failed"), ...all.filter((run) => run.state !== "failed")] : all;
  const missing = (value: string | number) => typeof value === "number" && !Number.isFinite(value);
  return [...all].sort((left, right) => {
    const [a, b] = [column.value(left), column.value(right)];
    if (missing(a) || missing(b)) return Number(missing(a)) - Number(missing(b));
    const order = typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b));
    return down ? -order : order;
  });
}

function build(page: Page): Built {
  const { measures } = page.data;
  const fixed = columns(measures);
  const differ = differing(page.data.runs);
  const fields = new Set(differ.map(({ key }) => key));
  const named = new Set(page.data.runs.flatMap((run) => Object.keys(run.fields)));
  const shown = [fixed[0]!, fixed[1]!, ...differ, ...fixed.slice(2)];
  const metric = (key: string) => (key === "best" ? measures.best : key);
  const percent = (key: string) => page.unit(metric(key)) === "share";
  const title = (key: string) => `${page.has(`table.${key}`) ? page.say(`table.${key}`) : key}${percent(key) ? " %" : ""}`;
  const body = h("tbody");
  const count = h("span", { class: "count", role: "status" });
  const heads = shown.map(({ key }) =>
    h(
      "th",
      { scope: "col", class: fields.has(key) ? "field" : "" },
      h("button", { type: "button", "data-sort": key, onclick: () => {
        const { sort } = page.state;
        page.state.sort = { column: key, down: sort.column === key ? !sort.down : false };
        refresh();
        page.tell("choice");
      } }, title(key)),
    ),
  );

  function text(key: string, found: string | number): string {
    if (key === "state") return page.say(`state.${found}`);
    if (typeof found === "string") return found;
    if (!Number.isFinite(found)) return "–";
    if (key === "seed" || key === "epochs" || named.has(key)) return String(found);
    if (percent(key)) return (100 * found).toFixed(2);
    return Math.abs(found) >= 1e5 ? show(found) : found.toFixed(key === "seconds" ? 1 : 4);
  }

  let turn = 0;
  let coloured = ""; // by what the swatches are
  const rows = () => sorted(page.data.runs.filter((run) => page.passes(run)), page.state.sort.column, page.state.sort.down, shown);

  function refresh(): void {
    const { sort, hiddenRuns } = page.state;
    coloured = page.state.groupBy;
    const all = looks(page);
    const names = page.groups();
    shown.forEach(({ key }, i) => heads[i]!.setAttribute("aria-sort", sort.column !== key ? "none" : sort.down ? "descending" : "ascending"));
    const found = rows();
    const tell = () => (count.textContent = page.say("table.count", { shown: found.length, all: page.data.runs.length }) + (hiddenRuns.size > 0 ? page.say("table.off", { off: hiddenRuns.size }) : ""));
    tell();
    const row = (run: Run): HTMLElement => {
      const index = page.data.runs.indexOf(run);
      const box = h("input", { type: "checkbox", checked: !hiddenRuns.has(index), "aria-label": page.say("table.show", { run: `${run.arm}, ${run.seed}` }), onchange: (event) => {
        if ((event.target as HTMLInputElement).checked) hiddenRuns.delete(index);
        else hiddenRuns.add(index);
        box.closest("tr")!.classList.toggle("off", hiddenRuns.has(index));
        tell();
        page.tell("runs");
      } });
      const look = all[names.indexOf(page.group(run))]!;
      const cells = shown.map(({ key, value }) => {
        const told = value(run);
        const words = text(key, told);
        const short = words.length > LETTERS && key !== "arm" ? `${words.slice(0, LETTERS - 1)}…` : words;
        const tag = key === "arm" ? "th" : "td";
        return h(tag, { class: `${typeof told === "number" ? "number" : ""}${fields.has(key) ? " field" : ""}`, "data-key": key, "data-name": title(key), title: short === words ? "" : words, ...(tag === "th" ? { scope: "row" } : {}) }, key === "arm" ? swatch(look) : null, h("bdi", {}, short), key === "state" && run.reason ? h("div", { class: "reason", title: run.reason }, run.reason) : null);
      });
      return h("tr", { class: `${run.state}${hiddenRuns.has(index) ? " off" : ""}` }, h("td", {}, box), ...cells, h("td", { class: "spark", "data-name": page.say("table.curve") }, spark(page, run, look.colour)));
    };
    body.replaceChildren(...(found.length === 0 ? [h("tr", {}, h("td", { colspan: shown.length + 2, class: "hint" }, page.say("table.none")))] : []));
    const mine = ++turn;
    let next = 0;
    const more = (): void => {
      if (mine !== turn) return; // another choice was made since
      body.append(...found.slice(next, (next += ROWS)).map(row));
      if (next < found.length) setTimeout(more);
    };
    more();
  }

  const filter = h("input", { type: "search", id: "filter", placeholder: page.say("table.filter"), "aria-label": page.say("table.filter"), oninput: (event) => {
    page.state.filter = (event.target as HTMLInputElement).value;
    refresh();
    page.tell("runs");
  } });
  filter.value = page.state.filter;
  const tsv = () => [shown.map(({ key }) => title(key)), ...rows().map((run) => shown.map(({ key, value }) => text(key, value(run)).replace(/[\t\n\r]/g, " ")))].map((row) => row.join("\t")).join("\n");
  refresh();
  return {
    element: section(
      page,
      "runs",
      "runs.title",
      null,
      h("div", { class: "controls" }, filter, count, copier(page, tsv, "table.copy")),
      h("div", { class: "scroll", tabindex: 0 }, h("table", {}, h("thead", {}, h("tr", {}, h("th", { scope: "col" }, page.say("table.shown")), ...heads, h("th", { scope: "col", class: "spark" }, page.say("table.curve")))), body)),
    ),
    update(what) {
      if (what === "arm" || what === "data" || (what === "curves" && coloured !== page.state.groupBy)) refresh();
    },
  };
}

/** The primary measure of a run over its epochs. */
function spark(page: Page, run: Run, colour: string): SVGElement | null {
  const curve = page.data.measures.best ? values(run, page.data.measures.best) : new Float64Array(0);
  const known = [...curve].filter(Number.isFinite);
  if (known.length < 2) return null;
  const [low, high] = [Math.min(...known), Math.max(...known)];
  const at = (value: number) => (high > low ? 15 - ((value - low) / (high - low)) * 14 : 8);
  const step = Math.max(1, Math.floor(curve.length / 80));
  const points: string[] = [];
  for (let i = 0; i < curve.length; i += step) if (Number.isFinite(curve[i]!)) points.push(`${((i / (curve.length - 1)) * 80).toFixed(1)},${at(curve[i]!).toFixed(1)}`);
  return s("svg", { viewBox: "0 0 80 16", "aria-hidden": "true" }, s("polyline", { points: points.join(" "), fill: "none", stroke: colour, "stroke-width": 1.3 }));
}
