// Figures of every question at every epoch of the grid: what Python computed, looked up.

import { bytes, values, type Consequence, type Effect, type Line, type Payload, type Run } from "./data.ts";

export interface Figure {
  before: number; // NaN where there is none, as everywhere here
  after: number;
  mean: number;
  low: number; // plain 95 % interval
  high: number;
  wide: [number, number] | null; // the interval that decides, where something was tested
  says: Consequence;
  tested: Effect | null;
  seeds: number[];
}

const LETTERS: Record<string, Consequence> = { b: "better", w: "worse", e: "equal", c: "cost", n: "neutral", o: "open", i: "identical" };
const floats = (text: string): Float32Array => new Float32Array(bytes(text).buffer);
const number = (value: number | null | undefined): number => value ?? NaN;

interface Grid {
  seeds: number[];
  numbers: Float32Array;
  says: string;
}

export class Stops {
  readonly epochs: number[];
  private readonly data: Payload;
  private readonly grids = new Map<string, Grid>();
  private readonly tested = new Map<string, Effect>();
  private readonly rows = new Map<string, Float32Array>();
  private readonly indexes = new Map<string, number>();

  constructor(data: Payload) {
    this.data = data;
    this.epochs = data.stops.epochs;
    for (const one of data.stops.figures) this.grids.set(key(one.endpoint, one.arm), { seeds: one.seeds, numbers: floats(one.numbers), says: one.says });
    for (const effect of data.effects) this.tested.set(key(effect.endpoint, effect.arm), effect);
    for (const [endpoint, packed] of Object.entries(data.stops.runs)) this.rows.set(endpoint, floats(packed));
    data.runs.forEach((run, index) => this.indexes.set(key(run.arm, String(run.seed)), index));
  }

  /** A question of an arm, had training ended at a place of the grid; without a place, as it was tested. */
  figure(line: Line, arm: string, place: number | null): Figure {
    const effect = place === null ? this.tested.get(key(line.endpoint, arm)) : undefined;
    if (effect && effect.seeds.length > 0)
      return {
        before: number(effect.before),
        after: number(effect.after),
        mean: number(effect.mean),
        low: number(effect.low),
        high: number(effect.high),
        wide: effect.adjusted_low === null ? null : [effect.adjusted_low, number(effect.adjusted_high)],
        says: effect.consequence,
        tested: effect,
        seeds: effect.seeds,
      };
    const found = this.described(line, arm, place ?? this.epochs.length - 1);
    return effect ? { ...found, says: effect.consequence, tested: effect } : found; // asked, and not answered yet
  }

  /** What was not tested. */
  described(line: Line, arm: string, place: number): Figure {
    const grid = this.grids.get(key(line.endpoint, arm));
    const at = (part: number): number => grid?.numbers[part * this.epochs.length + place] ?? NaN;
    return { before: at(0), after: at(1), mean: at(2), low: at(3), high: at(4), wide: null, says: LETTERS[grid?.says[place] ?? "o"]!, tested: null, seeds: grid?.seeds ?? [] };
  }

  /** The number of one run, had it ended there; NaN where it has none. */
  run(line: Line, arm: string, seed: number, place: number): number {
    const index = this.indexes.get(key(arm, String(seed)));
    if (index === undefined) return NaN;
    const rows = this.rows.get(line.endpoint);
    if (rows) return rows[index * this.epochs.length + place] ?? NaN;
    const curve = values(this.data.runs[index] as Run, line.metric);
    return curve[Math.min(this.epochs[place]!, curve.length) - 1] ?? NaN;
  }

  /** Whether any arm has a finished seed beside the baseline. */
  get compared(): boolean {
    return this.data.stops.figures.some((one) => one.arm !== this.data.experiment.baseline && one.seeds.length > 0);
  }

  /** What each epoch says of an arm, one consequence per place. */
  says(line: Line, arm: string): Consequence[] {
    return [...(this.grids.get(key(line.endpoint, arm))?.says ?? "")].map((letter) => LETTERS[letter]!);
  }
}

const key = (left: string, right: string): string => `${left}\n${right}`; // endpoints and seeds have no line ends
