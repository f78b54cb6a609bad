// One scale for many figures: zero is on it, and one arm far off does not squeeze all others.

import type { Figure } from "./figures.ts";

const FENCE = 3; // spreads of the middle half, beyond which a mean is outside
const FEW = 5; // below that many figures none is outside

export interface Scale {
  low: number;
  high: number;
}

/** From means and their intervals; intervals that are far wider than means differ are cut off. */
export function scaleOf(figures: Figure[]): Scale {
  const means = figures.map((figure) => figure.mean).filter(Number.isFinite).sort((a, b) => a - b);
  const at = (share: number) => means[Math.round(share * (means.length - 1))]!;
  const spread = means.length < FEW ? Infinity : at(0.75) - at(0.25) || Infinity;
  const inside = (value: number) => value >= at(0.25) - FENCE * spread && value <= at(0.75) + FENCE * spread;
  const kept = figures.filter((figure) => Number.isFinite(figure.mean) && inside(figure.mean));
  const points = [0, ...kept.map((figure) => figure.mean)];
  const span = Math.max(...points) - Math.min(...points) || Math.max(...points.map(Math.abs)) || 1;
  let low = Math.min(...points);
  let high = Math.max(...points);
  for (const { mean, low: least, high: most, wide } of kept) {
    for (const end of [least, most, ...(wide ?? [])]) {
      if (!Number.isFinite(end)) continue;
      low = Math.min(low, Math.max(end, mean - span));
      high = Math.max(high, Math.min(end, mean + span));
    }
  }
  const room = (high - low || 1) * 0.06;
  return { low: low - room, high: high + room };
}

/** A value's place on a scale, 0 to 1; outside of it, its end. */
export function share(scale: Scale, value: number): number {
  return Math.min(1, Math.max(0, (value - scale.low) / (scale.high - scale.low)));
}

export function outside(scale: Scale, value: number): -1 | 0 | 1 {
  return value < scale.low ? -1 : value > scale.high ? 1 : 0;
}
