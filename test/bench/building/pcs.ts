/** A process full of PCs. It is told what to do over IPC, and says back what became of it. */
import { BenchPc, type PcOrder } from "./pc.ts";

export type ToPcs =
  | { readonly type: "make"; readonly port: number; readonly pcs: readonly PcOrder[] }
  | { readonly type: "come" }
  | { readonly type: "count" };

export type FromPcs =
  | { readonly type: "made" }
  /** All are welcome; when the last one was, in milliseconds since 1970. */
  | { readonly type: "all-welcome"; readonly at: number }
  | {
      readonly type: "counts";
      readonly welcome: number;
      readonly cuts: Readonly<Record<string, number>>;
      readonly refused: Readonly<Record<string, number>>;
    };

let pcs: readonly BenchPc[] = [];
let welcome = 0;
const cuts: Record<string, number> = {};
const refused: Record<string, number> = {};
const say = (message: FromPcs): void => void process.send?.(message);
const count = (where: Record<string, number>, reason: string): void => {
  where[reason] = (where[reason] ?? 0) + 1;
};

process.on("message", (message: ToPcs) => {
  switch (message.type) {
    case "make":
      pcs = message.pcs.map(
        (order) =>
          new BenchPc(order, message.port, {
            welcome() {
              welcome++;
              if (welcome === pcs.length) say({ type: "all-welcome", at: Date.now() });
            },
            cut(reason) {
              welcome--;
              count(cuts, reason);
            },
            refused: (reason) => count(refused, reason),
          }),
      );
      return say({ type: "made" });
    case "come":
      for (const pc of pcs) pc.come();
      return;
    case "count":
      return say({ type: "counts", welcome, cuts, refused });
  }
});
process.on("disconnect", () => {
  for (const pc of pcs) pc.leave();
  process.exit();
});
