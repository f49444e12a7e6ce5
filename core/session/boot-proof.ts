/**
 * Whether a restored PC comes up as itself: from the moment that it is verified until its own system is
 * seen on the network, or is not. What is seen is evidence and no trust: anybody can send a packet with a
 * PC's MAC, so nothing depends on it but what people are told.
 */
import { type Millis, millis } from "../units/units.ts";
import type { Afterwards } from "../wire/orders.ts";
import type { Report } from "../wire/work.ts";
import type { Fact, Input, LabTime, MemberGauges, PcId, Stamp } from "./kind.ts";
import type { Sign } from "./sign.ts";
import { move, type Table } from "./table.ts";

/** Seconds in which a PC has to come up: firmware takes up to a minute, Windows' first start some three. */
export const proofSeconds = 300;
/** The longest that somebody may ask for: a day. */
export const proofSecondsLimit = 86_400;
/**
 * How long a PC has to speak ARP before that is taken for a system of its own: a boot loader speaks it too,
 * and an agent whose link broke, which is back after 10 s of silence, a pause of 5 s and a login.
 */
export const arpSteady = millis(30_000);
/** An agent whose link comes and goes moves the end of the wait at most to so many times the wait. */
const waitsMost = 3;

/** How long a session waits for its PCs to come up where nobody says otherwise; null: it does not. */
export const usualProofSeconds = (afterwards: Afterwards): number | null =>
  afterwards === "reboot" || afterwards === "boot-disk" ? proofSeconds : null;

export type ProofLife = "none" | "leaving" | "starting" | "up" | "missing";

export const proofTable: Table<ProofLife, ProofFact["type"]> = {
  none: { proving: "leaving" },
  leaving: { left: "starting", unbooted: "missing" },
  starting: { "came-back": "leaving", booted: "up", unbooted: "missing" },
  up: {},
  // It may come up later than anybody waited; not once another session has it.
  missing: { booted: "up", unbooted: "missing" },
};

export type NotUp =
  /** Nothing was seen of its own system. */
  | { readonly code: "silent"; readonly seconds: number }
  /** Its agent is there again. */
  | { readonly code: "network" }
  /** Its agent has not gone. */
  | { readonly code: "stayed" }
  | { readonly code: "taken" | "dropped" | "stopped" };

export type ProofFact = { readonly pc: PcId } & (
  | { readonly type: "proving"; readonly until: LabTime; readonly latest: LabTime }
  /** Its agent is gone: what is seen from here on may be its own system. */
  | { readonly type: "left"; readonly until: LabTime }
  /** It was the link: the same agent is there again. */
  | { readonly type: "came-back" }
  | {
      readonly type: "booted";
      /** After its agent was gone. */
      readonly seconds: number;
      readonly name: string | null;
      readonly system: string | null;
      readonly evidence: string;
    }
  | { readonly type: "unbooted"; readonly cause: NotUp }
);

const proofFacts: Readonly<Record<ProofFact["type"], true>> = {
  proving: true,
  left: true,
  "came-back": true,
  booted: true,
  unbooted: true,
};

/** Whether the fact is about a PC's coming up: nothing else moves a proof. */
export const isOfProof = (fact: Fact): fact is ProofFact => fact.type in proofFacts;

export type BootProof =
  | { readonly name: "leaving"; readonly until: LabTime; readonly latest: LabTime }
  | {
      readonly name: "starting";
      readonly leftAt: LabTime;
      readonly until: LabTime;
      readonly latest: LabTime;
    }
  | {
      readonly name: "up";
      readonly seconds: number;
      readonly host: string | null;
      readonly system: string | null;
      readonly evidence: string;
    }
  /** `leftAt`: null when its agent never went. */
  | { readonly name: "missing"; readonly leftAt: LabTime | null; readonly cause: NotUp };

export const isProofPending = (proof: BootProof | null): boolean =>
  proof?.name === "leaving" || proof?.name === "starting";

/** A PC is verified: from here on it is waited for. */
export const proving = (pc: PcId, proveBootMs: number, now: LabTime): ProofFact => ({
  type: "proving",
  pc,
  until: millis(now + proveBootMs),
  latest: millis(now + waitsMost * proveBootMs),
});

/** What follows for a PC that was verified. `proveBootMs`: how long it may take. */
export function decideProof(
  pc: PcId,
  proof: BootProof | null,
  proveBootMs: number,
  input: Input,
  now: LabTime,
  gauge: MemberGauges | undefined,
): readonly ProofFact[] {
  if (proof === null || proof.name === "up") return [];
  const gaveUp = (cause: NotUp): readonly ProofFact[] => [{ type: "unbooted", pc, cause }];
  const isPending = isProofPending(proof);
  switch (input.type) {
    case "lost":
      return proof.name === "leaving" ? [left()] : [];
    case "connected":
      return proof.name === "starting" ? isBack(proof.leftAt, input.report) : [];
    case "resumed":
      // Whether its agent is still there shows when it connects.
      return proof.name === "leaving" ? [left()] : [];
    case "seen":
      return seen(pc, proof, input.sign, now, gauge);
    case "drop":
      return isPending ? gaveUp({ code: "dropped" }) : [];
    case "stop":
      return isPending ? gaveUp({ code: "stopped" }) : [];
    case "taken":
      return isPending || (proof.name === "missing" && proof.cause.code !== "taken")
        ? gaveUp({ code: "taken" })
        : [];
    case "tick":
      if (proof.name === "leaving" && now >= proof.until) return gaveUp({ code: "stayed" });
      if (proof.name === "starting" && now >= proof.until)
        return gaveUp({ code: "silent", seconds: (proof.until - proof.leftAt) / 1000 });
      return [];
    default:
      return [];
  }

  function left(): ProofFact {
    const latest = proof?.name === "leaving" ? proof.latest : now;
    const until = Math.max(now, Math.min(latest, now + proveBootMs));
    return { type: "left", pc, until: millis(until) };
  }

  /** An agent that says nothing of its work was started anew, if a boot loader was heard before it. */
  function isBack(leftAt: LabTime, report: Report | null): readonly ProofFact[] {
    const loaderAt = gauge?.loaderAt ?? null;
    const isStartedAnew = report === null && loaderAt !== null && loaderAt >= leftAt;
    return isStartedAnew ? gaveUp({ code: "network" }) : [{ type: "came-back", pc }];
  }
}

function seen(
  pc: PcId,
  proof: Exclude<BootProof, { name: "up" }>,
  sign: Sign,
  now: LabTime,
  gauge: MemberGauges | undefined,
): readonly ProofFact[] {
  if (proof.name === "leaving" || proof.leftAt === null) return [];
  if (proof.name === "missing" && !isLate(proof.cause)) return [];
  const { leftAt } = proof;
  const booted = (
    at: LabTime,
    what: Pick<Extract<ProofFact, { type: "booted" }>, "name" | "system" | "evidence">,
  ): readonly ProofFact[] => [
    { type: "booted", pc, seconds: Math.max(0, at - leftAt) / 1000, ...what },
  ];
  switch (sign.kind) {
    case "loader":
    case "agent":
      return [];
    case "dhcp": {
      const { host: name, system } = sign;
      return booted(now, { name, system, evidence: "it asked for an address by DHCP" });
    }
    case "arp": {
      const since = gauge?.arpSince ?? null;
      // What started from the network again speaks ARP, too.
      if (proof.name === "missing") return [];
      if (since === null || now < since + arpSteady) return [];
      const evidence = `it answers for ${sign.address} by ARP`;
      return booted(since, { name: null, system: null, evidence });
    }
    case "ssh": {
      const { address, banner } = sign;
      const evidence = `SSH at ${address}: ${banner}`;
      return booted(now, { name: null, system: systemOfBanner(banner), evidence });
    }
  }
}

/** What a system calls itself in its SSH banner, `SSH-2.0-OpenSSH_9.2p1 Debian-2` (RFC 4253 section 4.2). */
function systemOfBanner(banner: string): string | null {
  const software = /^SSH-[\d.]+-(.*)$/.exec(banner)?.[1] ?? "";
  if (software.includes("for_Windows")) return "Windows";
  return /\b(Debian|Ubuntu|Raspbian|FreeBSD|NetBSD)\b/.exec(software)?.[1] ?? null;
}

/** It was waited for, and the wait was over too early. */
const isLate = ({ code }: NotUp): boolean => code === "silent" || code === "network";

export function evolveProof(before: BootProof | null, fact: ProofFact, { at }: Stamp): BootProof {
  const name = move(proofTable, before?.name ?? "none", fact.type);
  switch (fact.type) {
    case "proving":
      return { name: name as "leaving", until: fact.until, latest: fact.latest };
    case "left": {
      const latest = before?.name === "leaving" ? before.latest : fact.until;
      return { name: name as "starting", leftAt: at, until: fact.until, latest };
    }
    case "came-back": {
      const { until, latest } = before as Extract<BootProof, { name: "starting" }>;
      return { name: name as "leaving", until, latest };
    }
    case "booted": {
      const { seconds, name: host, system, evidence } = fact;
      return { name: name as "up", seconds, host, system, evidence };
    }
    case "unbooted": {
      const leftAt = before !== null && "leftAt" in before ? before.leftAt : null;
      return { name: name as "missing", leftAt, cause: fact.cause };
    }
  }
}

/** When something follows by time alone. */
export const deadlineOfProof = (proof: BootProof | null): Millis | null =>
  proof?.name === "leaving" || proof?.name === "starting" ? proof.until : null;
