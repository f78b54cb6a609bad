// The run table: sort, filter, hide.

import { values, type Measures, type Run } from "./data.ts";
import { h } from "./dom.ts";
import { section, type Built, type Panel } from "./panel.ts";
import type { Page } from "./state.ts";
import { show } from "./stats.ts";

interface Column {
  key: string;
  value: (run: Run) => string | number;
}

const end = (metric: string) => (run: Run) => values(run, metric).at(-1) ?? NaN;
const total = (metric: string) => (run: Run) => (run.epochs > 0 && !run.metrics[metric] ? NaN : values(run, metric).reduce((sum, value) => sum + value, 0));

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

/** Seeds and epochs as they are, seconds with one digit after the point, measurements with four. */
function number(key: string, value: number): string {
  if (!Number.isFinite(value)) return "–";
  return key === "seed" || key === "epochs" ? String(value) : Math.abs(value) >= 1e5 ? show(value) : value.toFixed(key === "seconds" ? 1 : 4);
}

/** Rows in the chosen order; runs without a value come last either way. */
export function sorted(runs: Run[], key: string, down: boolean, shown: Column[]): Run[] {
  const column = shown.find((item) => item.key === key);
  if (!column) return runs;
  const missing = (value: string | number) => typeof value === "number" && !Number.isFinite(value);
  return [...runs].sort((left, right) => {
    const [a, b] = [column.value(left), column.value(right)];
    if (missing(a) || missing(b)) return Number(missing(a)) - Number(missing(b));
    const order = typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b));
    return down ? -order : order;
  });
}

export const runs: Panel = { id: "runs", build };

function build(page: Page): Built {
  const body = h("tbody");
  const count = h("span", { class: "count", role: "status" });
  const shown = columns(page.data.measures);
  const heads = shown.map(({ key }) => {
    const head = h("th", { scope: "col" });
    head.append(
      h("button", { type: "button", "data-sort": key, onclick: () => {
        const { sort } = page.state;
        page.state.sort = { column: key, down: sort.column === key ? !sort.down : false };
        refresh();
      } }, page.say(`table.${key}`)),
    );
    return head;
  });

  function refresh(): void {
    const { sort, hiddenRuns } = page.state;
    shown.forEach(({ key }, i) => heads[i]!.setAttribute("aria-sort", sort.column !== key ? "none" : sort.down ? "descending" : "ascending"));
    const rows = sorted(page.data.runs.filter((run) => page.passes(run)), sort.column, sort.down, shown);
    count.textContent = page.say("table.count", { shown: rows.length, all: page.data.runs.length });
    body.replaceChildren(
      ...rows.map((run) => {
        const index = page.data.runs.indexOf(run);
        const box = h("input", { type: "checkbox", checked: !hiddenRuns.has(index), "aria-label": page.say("table.show", { run: `${run.arm}, ${run.seed}` }), onchange: (event) => {
          if ((event.target as HTMLInputElement).checked) hiddenRuns.delete(index);
          else hiddenRuns.add(index);
          page.tell("runs");
        } });
        const cells = shown.map(({ key, value }) => {
          const found = value(run);
          const text = key === "state" ? page.say(`state.${found}`) : typeof found === "number" ? number(key, found) : found;
          return h("td", { class: typeof found === "number" ? "number" : "" }, h("bdi", {}, text), key === "state" && run.reason ? h("div", { class: "reason" }, run.reason) : null);
        });
        return h("tr", {}, h("td", {}, box), ...cells);
      }),
    );
  }

  const filter = h("input", { type: "search", id: "filter", placeholder: page.say("table.filter"), "aria-label": page.say("table.filter"), oninput: (event) => {
    page.state.filter = (event.target as HTMLInputElement).value;
    refresh();
    page.tell("runs");
  } });
  filter.value = page.state.filter;
  refresh();
  const element = section(
    page,
    "runs",
    "runs.title",
    null,
    h("div", { class: "controls" }, filter, count),
    h("div", { class: "scroll", tabindex: 0 }, h("table", {}, h("thead", {}, h("tr", {}, h("th", { scope: "col" }, page.say("table.shown")), ...heads)), body)),
  );
  return { element };
}
