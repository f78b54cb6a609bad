// What the reader is at while the page is built anew: the place on screen, the focus, what is open and typed.

interface Place {
  id: string;
  within: string; // the section; empty in the header
  tag: string;
  index: number;
}

/** Remember it; the function that comes back puts it into the page of then. */
export function keep(root: HTMLElement): () => void {
  const box = (id: string): Element | null => (id ? document.getElementById(id) : root.querySelector("header"));
  const placed = (element: Element): Place => {
    const within = element.closest("section")?.id ?? "";
    const tag = element.tagName.toLowerCase();
    return { id: element.id, within, tag, index: [...(box(within)?.querySelectorAll(tag) ?? [])].indexOf(element) };
  };
  const found = (place: Place): Element | null => (place.id ? document.getElementById(place.id) : (box(place.within)?.querySelectorAll(place.tag)[place.index] ?? null));

  const active = document.activeElement;
  const focus = active && active !== document.body && root.contains(active) ? placed(active) : null;
  const marked = active instanceof HTMLInputElement && active.type === "search" ? ([active.selectionStart, active.selectionEnd] as const) : null;
  const open = [...root.querySelectorAll("details")].map((details) => ({ place: placed(details), open: details.open }));
  const typed = [...root.querySelectorAll<HTMLInputElement>("input[type=search]")].map((input) => ({ id: input.id, text: input.value }));
  const edge = (root.querySelector("header")?.getBoundingClientRect().bottom ?? 0) + 1;
  const anchor = scrollY > 0 ? [...root.querySelectorAll("section")].findLast((section) => section.getBoundingClientRect().top <= edge) : undefined;
  const top = anchor?.getBoundingClientRect().top ?? 0;

  return () => {
    for (const { place, open: was } of open) found(place)?.toggleAttribute("open", was);
    for (const { id, text } of typed) {
      const input = document.getElementById(id);
      if (!(input instanceof HTMLInputElement) || input.value === text) continue;
      input.value = text;
      input.dispatchEvent(new Event("input"));
    }
    const target = focus && found(focus);
    if (target instanceof HTMLElement || target instanceof SVGElement) target.focus({ preventScroll: true });
    if (marked && target instanceof HTMLInputElement) target.setSelectionRange(...marked);
    const now = anchor && document.getElementById(anchor.id)?.getBoundingClientRect().top;
    if (now !== undefined && Math.abs(now - top) > 0.5) scrollBy({ top: now - top, behavior: "instant" });
  };
}
