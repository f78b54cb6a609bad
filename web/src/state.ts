// What the reader has chosen, and the words of the chosen language.

import { metricNames, values, type Effect, type Line, type Payload, type Run, type Unit } from "./data.ts";
import { Stops, type Figure } from "./figures.ts";
import { show, type XAxis } from "./stats.ts";

export interface State {
  lang: string;
  axis: XAxis;
  smoothing: number;
  log: boolean;
  outliers: boolean; // are left out of the range
  bands: boolean;
  seeds: boolean;
  groupBy: string;
  hiddenRuns: Set<number>;
  hiddenGroups: Set<string>;
  filter: string;
  sort: { column: string; down: boolean };
  metrics: Set<string>;
  zoom: [number, number] | null;
  layer: string;
  kind: string;
  arm: string; // shown beside the baseline everywhere
  stop: number | null; // where training ends, a place of the grid; none: as it was tested
  ask: string; // whose difference is drawn over epochs
}

/** What has changed, for those who draw it. */
export type Change = "stop" | "arm" | "curves" | "runs" | "choice" | "data";

export class Page {
  data: Payload;
  readonly state: State;
  readonly opened: Readonly<State>; // as it was at first
  at = ""; // the section that the address names
  version = 0; // of the runs' figures
  picked = false; // the shown arm is the reader's choice
  metrics: string[];
  stops: Stops;
  private readonly hearers = new Set<(what: Change) => void>();

  constructor(data: Payload) {
    this.data = data;
    this.metrics = metricNames(data.runs, data.measures.first);
    this.state = {
      lang: data.lang,
      axis: "epoch",
      smoothing: 0,
      log: false,
      outliers: false,
      bands: true,
      seeds: true,
      groupBy: "arm.name",
      hiddenRuns: new Set(),
      hiddenGroups: new Set(),
      filter: "",
      sort: { column: "", down: false },
      metrics: new Set(this.metrics.filter((name) => data.measures.drawn.includes(name) || (name.startsWith("p/") && data.runs.some((run) => moves(run, name))))),
      zoom: null,
      layer: "",
      kind: "parameter",
      arm: first(data),
      stop: null,
      ask: data.stops.lines.find((line) => line.role === "val")?.endpoint ?? data.stops.lines[0]?.endpoint ?? "",
    };
    this.opened = { ...this.state, metrics: new Set(this.state.metrics) };
    this.stops = new Stops(data);
  }

  /** Take data that is another, as if the page were opened with it; what is built of it must be built anew. */
  renew(data: Payload): void {
    const fresh = new Page(data);
    this.data = data;
    this.metrics = fresh.metrics;
    this.stops = fresh.stops;
    this.version++;
    const { arms, baseline } = data.experiment;
    const arm = this.picked && this.state.arm !== baseline && arms.includes(this.state.arm) ? this.state.arm : fresh.state.arm;
    Object.assign(this.state, fresh.state, { arm });
    Object.assign(this.opened, fresh.opened);
  }

  /** Be told of the reader's choices. */
  hear(hearer: (what: Change) => void): void {
    this.hearers.add(hearer);
  }

  deaf(): void {
    this.hearers.clear();
  }

  tell(what: Change): void {
    for (const hearer of this.hearers) hearer(what);
  }

  /** Show an arm beside the baseline everywhere. */
  pick(arm: string): void {
    if (arm === this.data.experiment.baseline || arm === this.state.arm) return;
    this.state.arm = arm;
    this.picked = true;
    this.tell("arm");
  }

  /** A question of the shown arm, where training ends now. */
  figure(line: Line, arm = this.state.arm): Figure {
    return this.stops.figure(line, line.role === "rise" ? this.data.experiment.baseline : arm, this.state.stop);
  }

  /** The epoch at which training ends now. */
  get epoch(): number {
    const { epochs } = this.data.stops;
    return epochs[this.state.stop ?? epochs.length - 1] ?? this.data.experiment.epochs;
  }

  /** A text in the chosen language; `{name}` is filled in, `{count:run|runs}` with the word that goes with the number. */
  say(key: string, fill: Record<string, string | number> = {}): string {
    const text = this.data.words[this.state.lang]?.[key] ?? key;
    return text.replace(/\{(\w+)(?::([^|}]*)\|([^}]*))?\}/g, (_, name: string, one?: string, many?: string) => {
      const value = String(fill[name] ?? "");
      return one === undefined ? value : `${value} ${value === "1" ? one : many}`;
    });
  }

  has(key: string): boolean {
    return this.data.words[this.state.lang]?.[key] !== undefined;
  }

  /** A question's name. */
  line(line: Line): string {
    return this.say(`line.${line.endpoint}`);
  }

  /** What was said of a tested effect, in the words of the verdict. */
  status(effect: Effect): string {
    const place = this.data.effects.indexOf(effect);
    for (const finding of this.data.verdict[this.state.lang]!.findings)
      for (const group of finding.groups) for (const row of group.rows) if (row.effect === place) return [row.mean, row.interval, row.adjusted, row.status].filter(Boolean).join(" · ");
    return "";
  }

  /** A metric's name for people: translated where it is well known. */
  metric(name: string): string {
    const known = this.data.words[this.state.lang]?.[`metric.${name}`];
    if (known) return known;
    const [kind, ...rest] = name.split("/");
    const prefix = this.data.words[this.state.lang]?.[`metric.${kind}/`];
    return prefix ? `${prefix} ${rest.join("/")}` : name;
  }

  unit(metric: string): Unit {
    return this.data.measures.units[metric] ?? "";
  }

  /** A metric's value as people read it; shares in percent. */
  amount(metric: string, value: number): string {
    return this.unit(metric) === "share" ? (Number.isNaN(value) ? "–" : `${show(100 * value, 2)} %`) : show(value);
  }

  /** The epoch where an arm's mean run turns, where a chart can mark it. */
  turn(metric: string, arm: string): number | null {
    const line = this.data.stops.lines.find((one) => one.role === "turn");
    if (!line || metric !== line.metric || this.state.axis !== "epoch" || this.state.groupBy !== "arm.name") return null;
    const { baseline, arms } = this.data.experiment;
    const other = arm === baseline ? arms.find((one) => one !== baseline)! : arm;
    const figure = this.stops.described(line, other, this.stops.epochs.length - 1);
    const at = arm === baseline ? figure.before : figure.after;
    return Number.isFinite(at) ? at : null;
  }

  /** The group of a run: the value of the field that runs are grouped by. */
  group(run: Run): string {
    const value = run.fields[this.state.groupBy];
    return value === undefined ? "–" : String(value);
  }

  /** All groups, in the order of the runs; the order fixes colours. */
  groups(): string[] {
    return [...new Set(this.data.runs.map((run) => this.group(run)))];
  }

  /**
   * Whether the filter lets a run through: every word in its names, every `field=value` exactly, every `metric<number`
   * at the last epoch; quotes hold words together.
   */
  passes(run: Run): boolean {
    if (this.state.filter.trim() === "") return true;
    const words = (this.state.filter.toLowerCase().match(/(?:"[^"]*"|[^\s"])+/g) ?? []).map((word) => word.replaceAll('"', ""));
    const text = `${run.arm} ${run.state} ${this.say(`state.${run.state}`)}`.toLowerCase();
    const fields = Object.entries(run.fields).map(([key, value]) => `${key}=${value}`.toLowerCase());
    return words.every((word) => text.includes(word) || fields.includes(word) || compared(run, word));
  }

  visible(run: Run, index: number): boolean {
    return run.epochs > 0 && !this.state.hiddenRuns.has(index) && !this.state.hiddenGroups.has(this.group(run)) && this.passes(run);
  }
}

/** The arm that is shown first: the recommended one, else the one with the best primary figure. */
function first(data: Payload): string {
  const { arms, baseline } = data.experiment;
  const others = arms.filter((arm) => arm !== baseline);
  if (data.recommended !== baseline) return data.recommended;
  const main = data.effects.filter((effect) => effect.finding === 0 || effect.finding === 3);
  const end = main[0]?.endpoint;
  const sign = data.stops.lines.find((line) => line.endpoint === end)?.better ?? 1;
  const ranked = main.filter((effect) => effect.endpoint === end && effect.mean !== null).sort((a, b) => sign * (b.mean! - a.mean!));
  return ranked[0]?.arm ?? others[0] ?? baseline;
}

/** Whether a metric is no constant. */
function moves(run: Run, metric: string): boolean {
  const series = run.metrics[metric];
  return series !== undefined && "b" in series;
}

/** `val_loss<0.7` or `recipe.lr>=0.001`: a metric at its last epoch, or a number of the spec. */
function compared(run: Run, word: string): boolean {
  const [, name, sign, bound] = /^(.+?)(<=|>=|<|>)(-?[\d.]+(?:e-?\d+)?)$/.exec(word) ?? [];
  if (name === undefined || sign === undefined) return false;
  const metric = Object.keys(run.metrics).find((one) => one.toLowerCase() === name);
  const field = Object.entries(run.fields).find(([one]) => one.toLowerCase() === name)?.[1];
  const value = metric === undefined ? (typeof field === "number" ? field : NaN) : (values(run, metric).at(-1) ?? NaN);
  const to = Number(bound);
  return sign === "<" ? value < to : sign === ">" ? value > to : sign === "<=" ? value <= to : value >= to;
}
