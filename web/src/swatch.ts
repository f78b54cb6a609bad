// A piece of a group's line, dash included.

import type { Look } from "./colour.ts";
import { s } from "./dom.ts";

export function swatch(look: Look): SVGElement {
  const picture = s("svg", { class: "swatch", viewBox: "0 0 28 8", "aria-hidden": "true" });
  picture.append(s("line", { x1: 0, x2: 28, y1: 4, y2: 4, stroke: look.colour, "stroke-width": look.rest ? 1.5 : 3, ...(look.dash.length > 0 ? { "stroke-dasharray": look.dash.join(" ") } : {}) }));
  return picture;
}
