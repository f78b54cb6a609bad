// Colours that stay apart for colour-blind eyes (Okabe and Ito, 2008), each with a dash of its own.

const LIGHT = ["#0072b2", "#d55e00", "#009e73", "#aa4499", "#7a5195", "#8a6d00", "#444444", "#56b4e9"];
const DARK = ["#56b4e9", "#ff9e4a", "#2fd3a5", "#f0a3d0", "#c7b0f0", "#f0e442", "#d0d0d0", "#7fb8ff"];
const DASHES: number[][] = [[], [8, 4], [2, 3], [10, 3, 2, 3], [14, 4], [4, 2], [2, 2, 8, 2], [6, 6]];

export function isDark(): boolean {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

export function colour(group: number): string {
  const palette = isDark() ? DARK : LIGHT;
  return palette[group % palette.length]!;
}

export function dash(group: number): number[] {
  return DASHES[group % DASHES.length]!;
}

/** A colour with an opacity, `#rrggbbaa`. */
export function faint(base: string, alpha: number): string {
  return base + Math.round(alpha * 255).toString(16).padStart(2, "0");
}
