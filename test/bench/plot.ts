import { barsOf } from "./bars.ts";
import type { Result } from "./main.ts";
import { type ToolName, toolNames } from "./tools.ts";

const colours: Record<ToolName, string> = { roomcast: "#1f6f8b", udpcast: "#c98b3c" };

/** Bars of goodput for every row, both tools; a link's rows as fractions of it, others of the best. */
export function plotOf(results: readonly Result[]): string {
  const best = Math.max(
    1,
    ...results
      .filter(({ row }) => row.linkBps === null)
      .flatMap(({ outcomes }) => toolNames.map((tool) => outcomes[tool].goodputBps ?? 0)),
  );
  return barsOf({
    title: "Goodput: payload over the time until the last receiver has all",
    note: "a bar's length: of the link; unshaped: of the fastest",
    series: toolNames.map((name) => ({ name, colour: colours[name] })),
    rows: results.map(({ row, outcomes }) => {
      const link = row.linkBps === null ? "unshaped" : `${row.linkBps / 1e6} Mbit/s`;
      const more = `${row.fault === null ? "" : `, ${row.fault}`}${row.offloads ? ", offloads" : ""}`;
      const count = `${row.receiverCount} receiver${row.receiverCount === 1 ? "" : "s"}`;
      return {
        label: `${count}, ${link}, ${row.loss * 100} %${more}`,
        bars: toolNames.map((tool) => {
          const { goodputBps } = outcomes[tool];
          return {
            length: (goodputBps ?? 0) / (row.linkBps ?? best),
            value: goodputBps === null ? "not in time" : `${(goodputBps / 1e6).toFixed(0)} Mbit/s`,
          };
        }),
      };
    }),
  });
}
