// The board's list: what the server tells of each experiment, what the reader has chosen, and the words for both.

export interface Curve {
  arm: string;
  x: number[]; // epochs
  y: (number | null)[]; // means over runs
}

/** An experiment. All but the first six are there once its ledger was read. */
export interface Row {
  id: string;
  folder: string;
  name: string;
  state: "waiting" | "broken" | "running" | "done" | "failed" | "interrupted" | "planned";
  trouble: Record<string, string> | null; // why its ledger cannot be read, by language
  changed: number; // when its ledger was written last, in seconds since 1970
  arms?: number;
  seeds?: number;
  runs?: [number, number, number, number]; // all, done, failed, running
  epochs?: [number, number]; // done, all
  baseline?: string;
  decision?: Record<string, { title: string; sentence: string; settled: boolean }>;
  answers?: Record<string, string[][]>; // arm, seeds, difference, interval, answer, and what that means
  recommended?: string;
  metric?: Record<string, string>;
  unit?: "nats" | "share" | "";
  best?: { arm: string; value: number; runs: number };
  planned?: number; // epochs of a run; 0 where nobody knows
  curves?: Curve[];
}

export interface Given {
  lang: string;
  words: Record<string, Record<string, string>>;
  rows: Row[];
  waiting: string[]; // places where no experiment is yet
}

export interface News {
  ids: string[];
  rows: Row[];
  waiting: string[];
}

const BESIDE = 4; // experiments that stand side by side until the reader chooses

export class List {
  lang: string;
  rows: Row[];
  waiting: string[];
  chosen: Set<string> | null = null; // none: the first ones
  scaled = true; // one scale for all curves of a measure
  readonly words: Given["words"];
  private readonly first: string;

  constructor(given: Given) {
    this.lang = this.first = given.lang;
    this.words = given.words;
    this.rows = given.rows;
    this.waiting = given.waiting;
  }

  take(news: News[]): void {
    const known = new Map(this.rows.map((row) => [row.id, row]));
    for (const one of news) for (const row of one.rows) known.set(row.id, row);
    const last = news.at(-1)!;
    this.rows = last.ids.map((id) => known.get(id)).filter((row) => row !== undefined);
    this.waiting = last.waiting;
  }

  /** Experiments that stand side by side. */
  beside(): Row[] {
    const shown = this.rows.filter((row) => row.curves);
    return this.chosen ? shown.filter((row) => this.chosen!.has(row.id)) : shown.slice(0, BESIDE);
  }

  choose(id: string, on: boolean): void {
    this.chosen ??= new Set(this.beside().map((row) => row.id));
    if (on) this.chosen.add(id);
    else this.chosen.delete(id);
  }

  /** A text; `{name}` is filled in, `{count:run|runs}` with the word that goes with the number. */
  say(key: string, fill: Record<string, string | number> = {}): string {
    const text = this.words[this.lang]?.[key] ?? key;
    return text.replace(/\{(\w+)(?::([^|}]*)\|([^}]*))?\}/g, (_, name: string, one?: string, many?: string) => {
      const value = String(fill[name] ?? "");
      return one === undefined ? value : `${value} ${value === "1" ? one : many}`;
    });
  }

  /** The choices for the address: `lang=ja&beside=["..."]`. */
  written(): string {
    const parts = new URLSearchParams();
    if (this.lang !== this.first) parts.set("lang", this.lang);
    const theme = document.documentElement.dataset.theme;
    if (theme) parts.set("theme", theme);
    if (this.chosen) parts.set("beside", [...this.chosen].join(","));
    if (!this.scaled) parts.set("scale", "own");
    return parts.toString();
  }

  read(hash: string): void {
    const parts = new URLSearchParams(hash.replace(/^#/, ""));
    const lang = parts.get("lang") ?? "";
    if (lang in this.words) this.lang = lang;
    const theme = parts.get("theme");
    if (theme === "dark" || theme === "light") document.documentElement.dataset.theme = theme;
    const beside = parts.get("beside");
    if (beside !== null) this.chosen = new Set(beside.split(",").filter(Boolean));
    this.scaled = parts.get("scale") !== "own";
  }
}
