import { barsOf } from "../bars.ts";
import { rowText } from "./rows.ts";
import { mediansOf, type ProductResult } from "./table.ts";
import { type WayName, wayNames } from "./ways.ts";

const colours: Record<WayName, string> = {
  roomcast: "#1f6f8b",
  udpcast: "#c98b3c",
  bittorrent: "#8a8a8a",
};

/** Bars of the time to the last PC; a row's longest is as long as there is room. */
export function productPlotOf(results: readonly ProductResult[]): string {
  return barsOf({
    title: "From the order to the last PC, in seconds; roomcast's PCs are verified by then",
    note: "a bar's length: of the row's longest",
    series: wayNames.map((name) => ({ name, colour: colours[name] })),
    rows: results.map(({ row, runs }) => {
      const seconds = wayNames.map((way) => mediansOf(runs[way]).seconds);
      const longest = Math.max(...seconds.map((each) => each ?? 0));
      return {
        label: rowText(row),
        bars: seconds.map((each) => ({
          length: each === null ? 0 : each / longest,
          value: each === null ? "not in time" : `${each.toFixed(1)} s`,
        })),
      };
    }),
  });
}
