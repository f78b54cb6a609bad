// Bundles the page: node build.mjs OUTDIR. The licences of what goes in are kept in the bundle.
import { build } from "esbuild";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { join } from "node:path";

const here = fileURLToPath(new URL(".", import.meta.url));
const out = process.argv[2];
if (!out) throw new Error("usage: node build.mjs OUTDIR");
const licence = readFileSync(join(here, "node_modules/uplot/LICENSE"), "utf8").trim();

await build({
  absWorkingDir: here,
  entryPoints: { page: "src/main.ts", board: "src/board.ts" },
  outdir: out,
  bundle: true,
  minify: true,
  format: "iife",
  target: "es2022",
  charset: "ascii",
  legalComments: "none",
  banner: { js: `/*! With uPlot (https://github.com/leeoniya/uPlot)\n${licence.replaceAll("*/", "* /")}\n*/` },
  logLevel: "warning",
});
