// Notes in Markdown: paragraphs, lists, headings, code, emphasis and links; everything else stays the text it is.

import { h } from "./dom.ts";

const INLINE = /`([^`]+)`|\*\*([^*]+)\*\*|\*([^*\s][^*]*)\*|\[([^\]]+)\]\((https?:\/\/[^\s)]+)\)/g;

/** Text with code, emphasis and links as nodes. */
export function inline(text: string): (Node | string)[] {
  const out: (Node | string)[] = [];
  let from = 0;
  for (const found of text.matchAll(INLINE)) {
    if (found.index > from) out.push(text.slice(from, found.index));
    const [whole, code, strong, soft, link, address] = found;
    if (code !== undefined) out.push(h("code", {}, code));
    else if (strong !== undefined) out.push(h("strong", {}, strong));
    else if (soft !== undefined) out.push(h("em", {}, soft));
    else out.push(h("a", { href: address!, rel: "noopener noreferrer", target: "_blank" }, link!));
    from = found.index + whole.length;
  }
  if (from < text.length) out.push(text.slice(from));
  return out;
}

/** Blocks of a text: blank lines part them, `- ` and `* ` begin items, `#` headings, ``` code. */
export function markdown(text: string): HTMLElement[] {
  const blocks: HTMLElement[] = [];
  const parts = text.split(/(^```[^\n]*\n[\s\S]*?^```\s*$)/m);
  for (const part of parts) {
    if (part.startsWith("```")) {
      blocks.push(h("pre", { tabindex: 0 }, part.replace(/^```[^\n]*\n/, "").replace(/\n?```\s*$/, "")));
      continue;
    }
    for (const block of part.split(/\n{2,}/).filter((one) => one.trim() !== "")) {
      const lines = block.trim().split("\n");
      if (lines.every((line) => /^\s*[-*] /.test(line))) blocks.push(h("ul", {}, ...lines.map((line) => h("li", {}, ...inline(line.replace(/^\s*[-*] /, ""))))));
      else if (/^#{1,4} /.test(lines[0]!) && lines.length === 1) blocks.push(h("p", { class: "heading" }, ...inline(lines[0]!.replace(/^#+ /, ""))));
      else blocks.push(h("p", {}, ...inline(block.trim())));
    }
  }
  return blocks;
}
