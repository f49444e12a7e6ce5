/** The README's table has the figures that were measured last. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { rowText } from "../bench/product/rows.ts";
import { mediansOf, type ProductResult } from "../bench/product/table.ts";
import { type WayName, wayNames } from "../bench/product/ways.ts";

const told = [
  ["4 PCs, 100 Mbit/s", "nothing is lost"],
  ["4 PCs, 100 Mbit/s, 1 % lost", "1 % is lost, packet by packet"],
  ["4 PCs, 100 Mbit/s, 1 % lost by 46", "1 % is lost, 46 packets together"],
  ["4 PCs, 100 Mbit/s, a slow port", "one PC has a port of half the speed"],
] as const;

const seconds = (value: number | null): string => `${value?.toFixed(1)} s`;

function cell({ row, runs }: ProductResult, way: WayName): string {
  const { seconds: last, others } = mediansOf(runs[way]);
  if (row.slowPort === null) return seconds(last);
  // By udpcast, all PCs go at the pace of the slowest.
  if (seconds(others) === seconds(last)) return `all in ${seconds(last)}`;
  return `three in ${seconds(others)}, that PC in ${seconds(last)}`;
}

test("the README tells what was measured last", async () => {
  const results: ProductResult[] = JSON.parse(await readFile("docs/bench/product.json", "utf8"));
  const readme = await readFile("README.md", "utf8");
  for (const [row, words] of told) {
    const result = results.find((each) => rowText(each.row) === row);
    assert(result !== undefined, row);
    const line = `| ${[words, ...wayNames.map((way) => cell(result, way))].join(" | ")} |`;
    assert(readme.includes(line), `the README lacks: ${line}`);
  }
});
