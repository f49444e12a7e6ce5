import type { Result } from "./main.ts";
import { type ToolName, toolNames } from "./tools.ts";

const colours: Record<ToolName, string> = { roomcast: "#1f6f8b", udpcast: "#c98b3c" };
const width = 900;
const barHeight = 11;
const labelWidth = 250;
const valueWidth = 130;
const top = 56;

/** Bars of goodput for every row, both tools; a link's rows as fractions of it, others of the best. */
export function plotOf(results: readonly Result[]): string {
  const rowHeight = barHeight * toolNames.length + 9;
  const height = top + results.length * rowHeight + 10;
  const span = width - labelWidth - valueWidth;
  const best = Math.max(
    1,
    ...results
      .filter(({ row }) => row.linkBps === null)
      .flatMap(({ outcomes }) => toolNames.map((tool) => outcomes[tool].goodputBps ?? 0)),
  );
  const parts = results.flatMap(({ row, outcomes }, index) => {
    const y = top + index * rowHeight;
    const link = row.linkBps === null ? "unshaped" : `${row.linkBps / 1e6} Mbit/s`;
    const more = `${row.fault === null ? "" : `, ${row.fault}`}${row.offloads ? ", offloads" : ""}`;
    const count = `${row.receiverCount} receiver${row.receiverCount === 1 ? "" : "s"}`;
    const label = `${count}, ${link}, ${row.loss * 100} %${more}`;
    const bars = toolNames.flatMap((tool, place) => {
      const { goodputBps } = outcomes[tool];
      const length = Math.round(((goodputBps ?? 0) / (row.linkBps ?? best)) * span);
      const at = y + place * barHeight;
      const value = goodputBps === null ? "not in time" : `${(goodputBps / 1e6).toFixed(0)} Mbit/s`;
      return [
        `<rect x="${labelWidth}" y="${at}" width="${length}" height="${barHeight - 1}" fill="${colours[tool]}"/>`,
        text(labelWidth + length + 4, at + barHeight - 2, value, "start", 10),
      ];
    });
    return [text(labelWidth - 8, y + barHeight + 3, label, "end", 11), ...bars];
  });
  const legend = toolNames.flatMap((tool, place) => [
    `<rect x="${labelWidth + place * 110}" y="32" width="12" height="12" fill="${colours[tool]}"/>`,
    text(labelWidth + place * 110 + 17, 42, tool, "start", 12),
  ]);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" font-family="sans-serif">`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    text(
      labelWidth,
      20,
      "Goodput: payload over the time until the last receiver has all",
      "start",
      13,
    ),
    text(
      labelWidth + 230,
      42,
      "a bar's length: of the link; unshaped: of the fastest",
      "start",
      12,
    ),
    ...legend,
    ...parts,
    "</svg>",
    "",
  ].join("\n");
}

const text = (x: number, y: number, value: string, anchor: string, size: number): string =>
  `<text x="${x}" y="${y}" text-anchor="${anchor}" font-size="${size}" fill="#222222">${value}</text>`;
