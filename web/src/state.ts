// What the reader has chosen, and the words of the chosen language.

import { metricNames, type Payload, type Run } from "./data.ts";
import type { XAxis } from "./stats.ts";

export interface State {
  lang: string;
  axis: XAxis;
  smoothing: number;
  log: boolean;
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
}

export class Page {
  readonly data: Payload;
  readonly state: State;
  readonly metrics: string[];

  constructor(data: Payload) {
    this.data = data;
    this.metrics = metricNames(data.runs, data.measures.first);
    this.state = {
      lang: data.lang,
      axis: "epoch",
      smoothing: 0,
      log: false,
      bands: true,
      seeds: true,
      groupBy: "arm.name",
      hiddenRuns: new Set(),
      hiddenGroups: new Set(),
      filter: "",
      sort: { column: "", down: false },
      metrics: new Set(this.metrics.filter((name) => data.measures.drawn.includes(name))),
      zoom: null,
      layer: "",
      kind: "parameter",
    };
  }

  /** A text in the chosen language; `{name}` is filled in, `{count:run|runs}` with the word that goes with the number. */
  say(key: string, fill: Record<string, string | number> = {}): string {
    const text = this.data.words[this.state.lang]?.[key] ?? key;
    return text.replace(/\{(\w+)(?::([^|}]*)\|([^}]*))?\}/g, (_, name: string, one?: string, many?: string) => {
      const value = String(fill[name] ?? "");
      return one === undefined ? value : `${value} ${value === "1" ? one : many}`;
    });
  }

  /** A metric's name for people: translated where it is well known. */
  metric(name: string): string {
    const known = this.data.words[this.state.lang]?.[`metric.${name}`];
    if (known) return known;
    const [kind, ...rest] = name.split("/");
    const prefix = this.data.words[this.state.lang]?.[`metric.${kind}/`];
    return prefix ? `${prefix} ${rest.join("/")}` : name;
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

  /** Whether the filter lets a run through: every word in its names, every `field=value` exactly; quotes hold words together. */
  passes(run: Run): boolean {
    const words = (this.state.filter.toLowerCase().match(/(?:"[^"]*"|[^\s"])+/g) ?? []).map((word) => word.replaceAll('"', ""));
    const text = `${run.arm} ${run.state} ${this.say(`state.${run.state}`)}`.toLowerCase();
    const fields = Object.entries(run.fields).map(([key, value]) => `${key}=${value}`.toLowerCase());
    return words.every((word) => text.includes(word) || fields.includes(word));
  }

  visible(run: Run, index: number): boolean {
    return run.epochs > 0 && !this.state.hiddenRuns.has(index) && !this.state.hiddenGroups.has(this.group(run)) && this.passes(run);
  }
}
