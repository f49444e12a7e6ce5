import { lineIn } from "./columns.ts";
import type { Outcome } from "./contest.ts";
import type { Result } from "./main.ts";
import { toolNames } from "./tools.ts";

const gib = 2 ** 30;

const columns = [
  ["receivers", 9],
  ["link", 9],
  ["loss", 6],
  ["", 13],
  ["tool", 8],
  ["right", 7],
  ["goodput", 11],
  ["of link", 7],
  ["wire", 5],
  ["send s/GiB", 10],
  ["recv s/GiB", 10],
  ["write", 5],
  ["ratio", 5],
] as const;

const line = lineIn(columns);

export const tableHead = (): string => line(columns.map(([name]) => name));

/** A line for each tool; the ratio is roomcast's goodput over udpcast's. */
export function rowText({ row, outcomes }: Result): string {
  const { receiverCount, linkBps, loss, offloads, fault, payloadMib } = row;
  const perGib = (seconds: number | null): string =>
    seconds === null ? "-" : ((seconds * gib) / (payloadMib * 2 ** 20)).toFixed(2);
  const special = [fault ?? "", offloads ? "offloads" : ""].filter((each) => each !== "").join(" ");
  const theirs = outcomes.udpcast.goodputBps;
  return toolNames
    .map((tool) => {
      const outcome = outcomes[tool];
      const { goodputBps } = outcome;
      const ratio = tool === "roomcast" && goodputBps !== null && theirs !== null;
      return line([
        String(receiverCount),
        linkBps === null ? "unshaped" : `${linkBps / 1e6} Mbit`,
        `${loss * 100} %`,
        special,
        tool,
        rightText(outcome),
        goodputBps === null ? "not in time" : `${(goodputBps / 1e6).toFixed(1)} Mbit`,
        goodputBps === null || linkBps === null ? "-" : (goodputBps / linkBps).toFixed(3),
        (outcome.wireBytes / (payloadMib * 2 ** 20)).toFixed(3),
        perGib(outcome.sendCpu),
        perGib(outcome.receiveCpu),
        perGib(outcome.writeCpu),
        ratio ? (goodputBps / theirs).toFixed(2) : "",
      ]);
    })
    .join("\n");
}

function rightText({ verified, expected, odd, oddSeconds }: Outcome): string {
  const oddText = oddSeconds === null ? "no" : `${oddSeconds.toFixed(0)}s`;
  return `${verified}/${expected}${odd === null ? "" : `+${oddText}`}`;
}
