/** The README and docs/testing.md have the figures that were measured last. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { rowText } from "../bench/product/rows.ts";
import { linkShare, mediansOf, type ProductResult } from "../bench/product/table.ts";
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

const results: ProductResult[] = JSON.parse(await readFile("docs/bench/product.json", "utf8"));

test("the README tells what was measured last", async () => {
  const readme = await readFile("README.md", "utf8");
  for (const [row, words] of told) {
    const result = results.find((each) => rowText(each.row) === row);
    assert(result !== undefined, row);
    const line = `| ${[words, ...wayNames.map((way) => cell(result, way))].join(" | ")} |`;
    assert(readme.includes(line), `the README lacks: ${line}`);
  }
});

/** `1.06 to 1.07`, or one figure where they are the same. */
function range(values: readonly number[]): string {
  const [least, most] = [Math.min(...values), Math.max(...values)].map((each) => each.toFixed(2));
  return least === most ? String(least) : `${least} to ${most}`;
}

test("what docs/testing.md says of the rows is what was measured last", async () => {
  const text = (await readFile("docs/testing.md", "utf8")).replace(/\s+/g, " ");
  const ours = ({ runs }: ProductResult) => mediansOf(runs.roomcast);
  const udpcast = ({ runs }: ProductResult) => mediansOf(runs.udpcast);
  const of = (what: (result: ProductResult) => number | null, rows = results): string =>
    range(rows.flatMap((result) => what(result) ?? []));
  const ratio = (one: number | null, other: number | null): number | null =>
    one === null || other === null ? null : one / other;
  const even = results.filter(({ row }) => row.slowPort === null && row.linkBps === 100e6);
  const overLink = (result: ProductResult): number => 1 / linkShare(result, "roomcast");
  const at = (count: number, rows = results): ProductResult[] =>
    rows.filter(({ row }) => row.receiverCount === count);
  const first = (result: ProductResult): number | null => ours(result).first;
  const slow = results.filter(({ row }) => row.slowPort !== null);
  const lossy = at(4, even).filter(({ row }) => row.loss > 0);
  const sure = at(4, even).filter(({ row }) => row.loss === 0);
  for (const words of [
    `udpcast takes ${of((each) => ratio(udpcast(each).seconds, ours(each).seconds))} times as long`,
    `done in ${of((each) => ratio(ours(each).others, udpcast(each).others), slow)} of udpcast's time`,
    `one PC takes ${of(overLink, at(1, even))} times what the link alone`,
    `four take ${of(overLink, sure)} times that, and ${of(overLink, lossy)} times where`,
    `sent ${of(first, at(1))} s after the order to one PC, ${of(first, at(4))} s with four PCs, and ${of(first, at(8))} s with eight`,
  ])
    assert(text.includes(words), `docs/testing.md lacks: ${words}`);
});
