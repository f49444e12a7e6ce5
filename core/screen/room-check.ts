/**
 * What a check of a room's network has found, in words: the server multicasts at rising rates, and each idle PC tells what
 * came. Each line names what its own figures show, and PCs of which the same is true stand in one line.
 */
import type { Finding } from "../wire/api.ts";
import { durationText, lossText, sizeText } from "./format.ts";

/** What was sent at one rate, and what came of it. */
export interface RateFigures {
  readonly rateBps: number;
  readonly sent: number;
  readonly received: number;
}

/** What one PC says; `steps` with rising rates. Null: it did not answer. */
export interface PcFigures {
  readonly name: string;
  readonly heard: {
    readonly steps: readonly RateFigures[];
    /** Packets that came, and that its own socket had no room for. */
    readonly dropped: number;
    readonly speedMbps: number | null;
    readonly duplex: "full" | "half" | null;
    /** What its adapter counted as damaged meanwhile. */
    readonly errors: number | null;
    /** Why nothing could be heard; null: it listened. */
    readonly reason: string | null;
  } | null;
}

export interface RoomFigures {
  readonly pcs: readonly PcFigures[];
  /** Whether somebody asks for multicast memberships on this network; null: that was not listened for long enough. */
  readonly hasQuerier: boolean | null;
  /** The image whose time is told; null: there is none, and it is told of some bytes. */
  readonly image: { readonly name: string; readonly storedBytes: number } | null;
}

/** A fraction of the packets: a cast bears with less at a cost of as much. */
const badLoss = 0.01;
/** A fraction of the PCs: if as many lose at a rate, it is not a cable of one of them. */
const mostPcs = 0.75;
/** Fewer PCs are no room that one could be measured against. */
const fewPcs = 3;
/** Bytes: what an image's size is told by where there is none. */
const sampleBytes = 10e9;

/** A line a PC, or for all of whom the same is true; what the room's images will take at last. */
export function judgeRoom({ pcs, hasQuerier, image }: RoomFigures): Finding[] {
  const { usualMbps, slowPorts } = portsOf(pcs);
  const sharedBps = sharedLimit(pcs);
  const lines = new Map<string, { readonly names: string[]; readonly verdict: Verdict }>();
  let well = 0;
  for (const { name, heard } of pcs) {
    const verdict = verdictOf(heard, { hasQuerier, usualMbps, sharedBps });
    if (verdict === null) {
      // What is lost at most PCs is told of the room.
      if (hearsWhole(heard)) well++;
      continue;
    }
    const line = lines.get(verdict.text);
    if (line === undefined) lines.set(verdict.text, { names: [name], verdict });
    else line.names.push(name);
  }
  const told = [...lines.values()].map(
    ({ names, verdict: { level, text, mend } }): Finding => ({
      ...{ check: "room", level, mend },
      text: `${names.join(", ")}: ${text}`,
    }),
  );
  const shared: Finding[] =
    sharedBps === null
      ? []
      : [
          {
            ...{ check: "room", level: "warning" },
            text: `most PCs lose packets from ${mbps(sharedBps)} on`,
            mend: "the switch, or the server's own port and cable, carries no more than that",
          },
        ];
  const text =
    slowPorts.length === 0
      ? `${well} of ${pcs.length} PCs hear all of it`
      : `${well} of ${pcs.length} PCs hear all that their ports carry`;
  const fine: Finding[] = well === 0 ? [] : [{ ...finding("ok"), text }];
  return [...told, ...slowPorts, ...shared, ...fine, ...timeFinding(pcs, image)];
}

/** The speed of a port that is as it should be, and the line of a room that has none: its ports carry less than was sent. */
function portsOf(pcs: readonly PcFigures[]): { usualMbps: number | null; slowPorts: Finding[] } {
  const speeds = pcs.flatMap(({ heard }) => heard?.speedMbps ?? []);
  const sentBps = Math.max(
    0,
    ...pcs.flatMap(({ heard }) => heard?.steps.map(({ rateBps }) => rateBps) ?? []),
  );
  const usualMbps = median(speeds.filter((speed) => speed * 1e6 >= sentBps));
  if (usualMbps !== null) return { usualMbps, slowPorts: [] };
  const allMbps = median(speeds);
  if (allMbps === null) return { usualMbps: null, slowPorts: [] };
  const text = speeds.every((speed) => speed === allMbps)
    ? `all ports have ${allMbps} Mbit/s: switch or cables`
    : `no port has more than ${Math.max(...speeds)} Mbit/s: switch or cables`;
  const mend = `a faster switch, or cables with all eight wires: the server sends ${mbps(sentBps)}`;
  return { usualMbps: allMbps, slowPorts: [{ check: "room", level: "warning", text, mend }] };
}

interface Verdict {
  readonly level: "warning" | "problem";
  readonly text: string;
  readonly mend: string;
}

function verdictOf(
  heard: PcFigures["heard"],
  room: {
    readonly hasQuerier: boolean | null;
    readonly usualMbps: number | null;
    readonly sharedBps: number | null;
  },
): Verdict | null {
  const warn = (text: string, mend: string): Verdict => ({ level: "warning", text, mend });
  if (heard === null)
    return warn("no answer", "see the PC's screen; an older agent cannot be asked: restart the PC");
  const { dropped, speedMbps, duplex, errors, reason } = heard;
  if (reason !== null) return warn(`it could not listen: ${reason}`, "see the PC's screen");
  if (heard.steps.length > 0 && heard.steps.every(({ received }) => received === 0))
    return deaf(room.hasQuerier);
  const { usualMbps } = room;
  if (speedMbps !== null && usualMbps !== null && speedMbps < usualMbps)
    return warn(
      `${speedMbps} Mbit/s, others ${usualMbps}: cable or port`,
      "check all eight wires of its cable, and its switch port",
    );
  if (duplex === "half")
    return warn(
      "half duplex: its port or its adapter is set by hand",
      "set both ends to negotiate",
    );
  const steps = carried(heard);
  const bad = steps.find((step) => lossOf(step) >= badLoss);
  if (bad === undefined) return null;
  const lost = steps.reduce((sum, { sent, received }) => sum + sent - received, 0);
  if (dropped * 2 > lost)
    return warn(
      `the PC cannot keep up from ${mbps(bad.rateBps)} on: what reaches it is not taken in time`,
      "it holds a cast up at that rate; cap the rate of its room ([rooms] rate), or take it out",
    );
  if (room.sharedBps !== null && bad.rateBps >= room.sharedBps) return null;
  const before = steps.findLast(({ rateBps }) => rateBps < bad.rateBps);
  const none = before === undefined ? "" : `, none at ${mbps(before.rateBps)}`;
  const packets = errors === 1 ? "packet" : "packets";
  const counted = (errors ?? 0) > 0 ? `; its adapter counted ${errors} damaged ${packets}` : "";
  return warn(
    `${lossText(lossOf(bad))} lost at ${mbps(bad.rateBps)}${none}${counted}`,
    (errors ?? 0) > 0
      ? "change its cable, then its switch port"
      : "check its cable and its switch port",
  );
}

/** What the PC's own port has room for: what is sent faster is lost there, and says nothing of the rest of the way. */
const carried = ({ steps, speedMbps }: NonNullable<PcFigures["heard"]>): readonly RateFigures[] =>
  steps.filter(({ rateBps }) => speedMbps === null || rateBps <= speedMbps * 1e6);

/** All that its port has room for, and that is something. */
function hearsWhole(heard: PcFigures["heard"]): boolean {
  const steps = heard === null ? [] : carried(heard);
  return steps.length > 0 && steps.every((step) => lossOf(step) < badLoss);
}

function deaf(hasQuerier: boolean | null): Verdict {
  const level = "problem";
  return hasQuerier === false
    ? {
        level,
        text: "no multicast: snooping without a querier on their switch",
        mend: "turn on the switch's IGMP querier, or turn off its IGMP snooping",
      }
    : {
        level,
        text: "no multicast reaches it",
        mend: "check that it is in the server's VLAN, and that no firewall or access point stands between",
      };
}

/** The lowest rate at which most of the PCs that hear anything lose; null: there is none. */
function sharedLimit(pcs: readonly PcFigures[]): number | null {
  const hearing = pcs.flatMap(({ heard }) =>
    heard?.steps.some(({ received }) => received > 0) === true ? [heard] : [],
  );
  const rates = hearing[0]?.steps.map(({ rateBps }) => rateBps) ?? [];
  const isShared = (rateBps: number): boolean => {
    const there = hearing.flatMap(
      (each) => carried(each).find((step) => step.rateBps === rateBps) ?? [],
    );
    const losing = there.filter((step) => lossOf(step) >= badLoss);
    return there.length >= fewPcs && losing.length >= there.length * mostPcs;
  };
  return rates.find(isShared) ?? null;
}

/** At the highest rate that the PC in the middle hears whole. */
function timeFinding(pcs: readonly PcFigures[], image: RoomFigures["image"]): Finding[] {
  const best = median(
    pcs.flatMap(({ heard }) => {
      if (heard === null || heard.steps.every(({ received }) => received === 0)) return [];
      const steps = carried(heard);
      const bad = steps.findIndex((step) => lossOf(step) >= badLoss);
      const good = bad < 0 ? steps.at(-1) : steps[bad - 1];
      return good?.rateBps ?? [];
    }),
  );
  if (best === null) return [];
  const takes = durationText(((image?.storedBytes ?? sampleBytes) * 8) / best);
  const text =
    image === null
      ? `the room hears ${mbps(best)} whole: each ${sampleBytes / 1e9} GB of an image (as it is stored) take ${takes} or more`
      : `the room hears ${mbps(best)} whole: ${image.name} (${sizeText(image.storedBytes)} as it is stored) takes ${takes} or more`;
  return [{ ...finding("ok"), text }];
}

const finding = (level: Finding["level"]) => ({ check: "room", level, mend: null });
const lossOf = ({ sent, received }: RateFigures): number =>
  sent === 0 ? 0 : Math.max(0, 1 - received / sent);
const mbps = (bps: number): string => `${Math.round(bps / 1e6)} Mbit/s`;

/** The lower one of two in the middle; null of none. */
function median(values: readonly number[]): number | null {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[(sorted.length - 1) >> 1] ?? null;
}
