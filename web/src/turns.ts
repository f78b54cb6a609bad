// Charts draw in turns.

const BUDGET = 8; // milliseconds of drawing before the reader gets a word in

interface Drawable {
  drawIfStale(): void;
}

const waiting = new Set<Drawable>();
let busy = false;

/** Draw for a few moments per task, one chart at least, so that a reader's next choice never waits for all of them. */
export function soon(chart: Drawable): void {
  waiting.add(chart);
  if (busy) return;
  busy = true;
  const next = (): void => {
    const began = performance.now();
    for (const first of waiting) {
      waiting.delete(first);
      first.drawIfStale();
      if (performance.now() - began > BUDGET) break;
    }
    busy = waiting.size > 0;
    document.getElementById("curves")?.setAttribute("aria-busy", String(busy));
    if (busy) setTimeout(next);
  };
  queueMicrotask(next);
}
