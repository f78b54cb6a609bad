// The reader's choices reach what is on screen at once, and the rest of the page in the moments after.

import type { Built } from "./panel.ts";
import type { Change } from "./state.ts";

export class Delivery {
  private readonly root: HTMLElement;
  private readonly built: Built[];
  private readonly seen = new Set<Element>();
  private readonly waiting = new Map<Built, Set<Change>>();
  private readonly watcher: IntersectionObserver;
  private readonly stale = new Set<Built>(); // have to draw new figures when they are looked at
  private busy = false;

  constructor(root: HTMLElement, built: Built[]) {
    this.root = root;
    this.built = built;
    this.watcher = new IntersectionObserver((entries) => {
      for (const { target, isIntersecting } of entries) {
        if (isIntersecting) this.seen.add(target);
        else this.seen.delete(target);
      }
      for (const panel of this.stale) if (this.seen.has(panel.element)) this.renew(panel);
    });
    for (const { element } of built) this.watcher.observe(element);
  }

  end(): void {
    this.watcher.disconnect();
    this.waiting.clear();
  }

  send(what: Change): void {
    for (const panel of this.built) {
      if (!panel.update) continue;
      if (what === "data" && !this.seen.has(panel.element)) this.stale.add(panel);
      else if (this.seen.has(panel.element)) panel.update(what);
      else this.waiting.set(panel, (this.waiting.get(panel) ?? new Set()).add(what));
    }
    if (this.busy || this.waiting.size === 0) return;
    this.busy = true;
    this.root.setAttribute("aria-busy", "true");
    setTimeout(() => this.next());
  }

  private renew(panel: Built): void {
    this.stale.delete(panel);
    panel.update?.("data");
  }

  /** One panel for each task, so that a reader's next choice never waits for all of them. */
  private next(): void {
    const [first] = this.waiting;
    if (first) {
      const [panel, changes] = first;
      this.waiting.delete(panel);
      for (const what of changes) panel.update!(what);
    }
    this.busy = this.waiting.size > 0;
    this.root.setAttribute("aria-busy", String(this.busy));
    if (this.busy) setTimeout(() => this.next());
  }
}
