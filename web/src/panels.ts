// Everything that the page shows, in reading order: a panel is one file and one line here.

import { answer } from "./answer.ts";
import { curves } from "./curvespanel.ts";
import { effects } from "./effects.ts";
import { images } from "./images.ts";
import { inside } from "./inside.ts";
import { method } from "./method.ts";
import type { Panel } from "./panel.ts";
import { samples } from "./samples.ts";
import { runs } from "./table.ts";
import { when } from "./when.ts";

export const panels: Panel[] = [answer, effects, when, curves, runs, inside, images, samples, method];
