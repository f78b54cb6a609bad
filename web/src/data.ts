// What the page was given, and how its numbers are unpacked.

export type Series = { c: number; n: number } | { b: string };

export interface Run {
  arm: string;
  seed: number;
  state: string;
  reason: string;
  epochs: number;
  fields: Record<string, string | number | boolean | null>;
  metrics: Record<string, Series>;
}

export type Consequence = "better" | "worse" | "equal" | "cost" | "neutral" | "open" | "identical";

/** What was tested: one endpoint of one arm. */
export interface Effect {
  endpoint: string;
  finding: number;
  arm: string;
  baseline: string;
  before: number | null; // means of baseline and arm over the same seeds
  after: number | null;
  mean: number | null;
  low: number | null;
  high: number | null;
  adjusted_low: number | null;
  adjusted_high: number | null;
  margin: number | null; // differences below it matter to nobody
  consequence: Consequence;
  needed: number | null; // seeds that would probably decide; 201: more than 200; 0: no number would
  at_least: boolean;
  seeds: number[];
  values: (number | null)[];
}

export type Unit = "nats" | "share" | "epochs" | "";
export type Role = "deployed" | "rise" | "val" | "turn" | "fit" | "gap";

/** A question that is asked of every arm. */
export interface Line {
  endpoint: string;
  role: Role;
  kind: string; // of the primary question: deployed, best or reported
  metric: string;
  unit: Unit;
  claim: number;
  better: number; // +1 where higher is better
}

/** Had training ended at each epoch of a grid: looked up, never computed here. */
export interface StopsData {
  epochs: number[];
  lines: Line[];
  figures: { endpoint: string; arm: string; seeds: number[]; numbers: string; says: string }[];
  runs: Record<string, string>; // by endpoint: a row of each run, where no metric has it
}

export interface Failed {
  reason: string;
  runs: number[];
  hint: string;
}

export interface Row {
  name: string;
  mean: string;
  interval: string;
  adjusted: string;
  status: string;
  effect: number; // its place in `effects`
}

export interface Blocks {
  title: string;
  advice: string;
  beside: string[];
  findings: { heading: string; groups: { heading: string; rows: Row[] }[] }[];
  underfits: string[];
  arms_title: string;
  arms: string[][];
  notices_title: string;
  notices: string[];
  reading_title: string;
  notes: string[];
}

export interface Histogram {
  run: number;
  kind: string;
  layer: string;
  epochs: number[];
  edges: string;
  shares: string;
}

/** Five quantiles (5, 25, 50, 75, 95 %) of a tensor at each epoch, all seeds of an arm together. */
export interface Ribbon {
  kind: string;
  layer: string;
  arm: string;
  epochs: number[];
  quantiles: string;
}

export interface ChangedImage {
  index: number;
  truth: string;
  png: string;
  before: number;
  after: number;
  said_before: string[];
  said_after: string[];
}

/** A text in pieces that are right or wrong, a row of a table, or a small image. */
export type Content = { k: "text"; v: [string, 0 | 1][] } | { k: "cells"; v: [string, string][] } | { k: "png"; v: string; w: number; h: number };

/** A validation sample of a task. */
export interface ChangedSample {
  place: number;
  input: Content | null;
  truth: Content;
  before: Content | null; // what the baseline says
  after: Content | null;
  loss: [number, number]; // means over seeds
}

/** What the experiment is asked about, as names of metrics; any of them may be one that no run has. */
export interface Measures {
  first: string[]; // stand before all others, in this order
  drawn: string[]; // are drawn until the reader chooses
  columns: string[]; // of the table of runs, at the last epoch
  best: string; // whose best value is a column too; empty where there is none
  better: "lower" | "higher";
  units: Record<string, Unit>; // by metric; of what is not here, none is known
}

/** How training stands, on a page that is fed by a board. */
export interface Live {
  state: string; // of the experiment: running, done, failed, interrupted or planned
  trouble: Record<string, string> | null; // why its ledger cannot be read, by language
  changed: number; // when that was written last, in seconds since 1970
}

export interface Payload {
  format: number;
  lang: string;
  words: Record<string, Record<string, string>>;
  verdict: Record<string, Blocks>;
  decision: Record<string, { title: string; sentence: string; settled: boolean }>;
  failed: Record<string, Failed[]>;
  effects: Effect[];
  stops: StopsData;
  doses: Record<string, number> | null; // by arm, where arms differ in nothing but p
  recommended: string;
  measures: Measures;
  t: number[];
  experiment: {
    name: string;
    id: string;
    created: string;
    epochs: number;
    steps: number;
    baseline: string;
    seconds: Record<string, number | null>; // training time of a run, by arm
    command: string;
    alike: boolean; // arms of a seed start from the same weights on the same batches
    arms: string[];
    seeds: number[];
    sizes: Record<string, number>;
    openings: number | null; // unknown of runs that were recorded elsewhere
    done: number;
  };
  runs: Run[];
  histograms: Histogram[];
  ribbons: Ribbon[];
  changed: { why_not: string; arms: { arm: string; images: ChangedImage[] }[] };
  samples: { why_not: string; seed: number | null; arms: { arm: string; samples: ChangedSample[]; fits: boolean }[] };
  toml: string;
  method: Record<string, string[]>;
  plan: Record<string, unknown>;
  environments: Record<string, unknown>[];
  notes: { time: string; run: string; text: string }[];
  live?: Live;
}

/** The bytes of a base64 text. */
export function bytes(text: string): Uint8Array<ArrayBuffer> {
  const raw = atob(text);
  const found = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) found[i] = raw.charCodeAt(i);
  return found;
}

/** A metric's values, one per epoch; a constant is spelt out. */
export function unpack(series: Series | undefined): Float64Array {
  if (!series) return new Float64Array(0);
  if ("c" in series) return new Float64Array(series.n).fill(series.c);
  return new Float64Array(bytes(series.b).buffer);
}

const kept = new WeakMap<Run, Map<string, Float64Array>>();

/** A run's metric, unpacked once. */
export function values(run: Run, metric: string): Float64Array {
  let known = kept.get(run);
  if (!known) kept.set(run, (known = new Map()));
  let found = known.get(metric);
  if (!found) known.set(metric, (found = unpack(run.metrics[metric])));
  return found;
}

/** Names of all metrics of all runs, those of the measures first. */
export function metricNames(runs: Run[], first: string[]): string[] {
  const all = new Set(runs.flatMap((run) => Object.keys(run.metrics)));
  return [...first.filter((name) => all.has(name)), ...[...all].filter((name) => !first.includes(name)).sort()];
}
