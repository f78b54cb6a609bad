// Fingers on a chart.

import type uPlot from "uplot";

/** A finger that moves sideways marks a range, as the mouse does; up and down still scrolls the page. */
export function touch(plot: uPlot): void {
  const { over } = plot;
  let start: number | null = null;
  const mark = (event: PointerEvent): void => {
    if (start === null) return;
    const end = Math.min(over.clientWidth, Math.max(0, event.clientX - over.getBoundingClientRect().left));
    plot.setCursor({ left: end, top: over.clientHeight / 2 });
    plot.setSelect({ left: Math.min(start, end), width: Math.abs(end - start), top: 0, height: over.clientHeight }, false);
  };
  over.style.touchAction = "pan-y";
  over.addEventListener("pointerdown", (event) => {
    start = event.pointerType === "mouse" ? null : event.clientX - over.getBoundingClientRect().left;
  });
  over.addEventListener("pointermove", (event) => mark(event));
  over.addEventListener("pointerup", (event) => {
    mark(event);
    if (start !== null) setTimeout(() => plot.setSelect(plot.select, true)); // first let the touch end where it began
    start = null;
  });
  over.addEventListener("pointercancel", () => {
    if (start !== null) plot.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
    start = null;
  });
}
