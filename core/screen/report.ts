/** The result of a session: one sentence, one table, and a line while it runs. */
import type { MemberView, SessionView } from "../wire/views.ts";
import { bootClause, bootCounts, memberBootText, otherNotices } from "./boots.ts";
import { diskIdentity, diskName } from "./disk.ts";
import { fittingText } from "./fit.ts";
import {
  durationText,
  linkRateText,
  lossText,
  percentText,
  secondsBetween,
  sizeText,
} from "./format.ts";
import { memberFraction, resultCounts, sessionFraction, slowest } from "./progress.ts";
import { consoleText } from "./row.ts";
import { tableLines } from "./table.ts";

/** How many reasons a sentence has; the table has them all. */
const reasonsTold = 4;
/** How many PCs are named for one reason. */
const namesTold = 8;

/**
 * A session in one sentence: `27 of 28 verified. 1 failed: pc14, write error at 12.4 GB on sda
 * (Samsung 860 EVO, S3Z9NB0K).` While it runs: how many are verified so far.
 */
export function sentence(session: SessionView): string {
  if (session.kind === "capture") return captureSentence(session);
  if (session.kind === "wipe") return wipeSentence(session);
  const counts = resultCounts(session);
  const all = session.members.length;
  const parts = [
    `${counts.verified} of ${all} verified${session.endedAt === null ? " so far" : ""}${bootClause(session)}.`,
  ];
  if (session.state === "stopped") parts.unshift("Stopped.");
  if (session.endedAt !== null)
    parts.push(...otherNotices(session).map((notice) => `Note: ${notice}.`));
  if (counts.failed > 0) {
    parts.push(`${counts.failed} failed: ${reasons(session, "failed")}.`);
  }
  if (counts.stopped > 0 && counts.stopped < all)
    parts.push(`${counts.stopped} stopped: ${reasons(session, "stopped")}.`);
  if (session.endedAt !== null && counts.pending > 0)
    parts.push(`${counts.pending} without a result.`);
  return parts.join(" ");
}

function captureSentence(session: SessionView): string {
  const [member] = session.members;
  const name = session.image ?? "the disk";
  const from = member === undefined ? "" : ` from ${member.name}`;
  switch (session.state) {
    case "done":
      return `Captured ${name}${from}.`;
    case "failed":
    case "stopped": {
      const why = member === undefined ? "" : `: ${failure(member)}`;
      return `Capture of ${name}${from} ${session.state}${why}.`;
    }
    default:
      return `Capturing ${name}${from}.`;
  }
}

function wipeSentence({ members, state }: SessionView): string {
  const [member] = members;
  const what = `the disk of ${member?.name ?? "the PC"}`;
  switch (state) {
    case "done":
      return `Wiped ${what}.`;
    case "failed":
    case "stopped":
      return `Wipe of ${what} ${state}${member === undefined ? "" : `: ${failure(member)}`}.`;
    default:
      return `Wiping ${what}.`;
  }
}

/** `pc14, write error …; pc15 and pc16, the PC was not on`: those with the same reason together. */
function reasons(session: SessionView, result: MemberView["result"]): string {
  const byReason = new Map<string, string[]>();
  for (const member of session.members) {
    if (member.result !== result) continue;
    const why = failure(member);
    const names = byReason.get(why);
    if (names === undefined) byReason.set(why, [member.name]);
    else names.push(member.name);
  }
  const told = [...byReason]
    .slice(0, reasonsTold)
    .map(([why, names]) => `${nameList(names)}, ${why}`);
  const untold = [...byReason].slice(reasonsTold).reduce((sum, [, names]) => sum + names.length, 0);
  return [...told, ...(untold > 0 ? [`and ${untold} more`] : [])].join("; ");
}

function nameList(names: readonly string[]): string {
  if (names.length > namesTold) {
    return `${names.slice(0, namesTold).join(", ")} and ${names.length - namesTold} more`;
  }
  return names.length === 1
    ? String(names[0])
    : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}

/** The member's reason; one that is about its disk says which disk that is. */
function failure({ reason, disk }: MemberView): string {
  const why = consoleText(reason ?? "no reason given").replace(/\.$/, "");
  if (disk === null || !/\b(disk|read|write|written|sector|I\/O)\b/i.test(why)) return why;
  if (disk.serial !== null && why.includes(disk.serial)) return why;
  if (disk.model !== null && why.includes(disk.model)) return why;
  const identity = consoleText(diskIdentity(disk));
  const words = why.split(/[\s,;:()]+/);
  if (!words.includes(disk.path) && !words.includes(diskName(disk.path))) {
    return `${why} on ${identity}`;
  }
  return identity.includes(" (") ? `${why} ${identity.slice(identity.indexOf("("))}` : why;
}

/**
 * One line about a running session, for a terminal or a log: rate, progress, time left, the slowest
 * PC. `linkMbps`: a PC's link speed, where it is known.
 */
export function progressLine(
  session: SessionView,
  linkMbps?: (pc: string) => number | null,
): string {
  const { kind, image, room, state, members, rateBps } = session;
  const counts = resultCounts(session);
  const [first] = members;
  const whom = room ?? (members.length === 1 && first ? first.name : `${members.length} PCs`);
  const parts: string[] = [];
  if (kind === "capture" || kind === "wipe") {
    parts.push(
      kind === "wipe" ? `wiping a disk of ${whom}` : `capturing ${image ?? "a disk"} from ${whom}`,
    );
    if (first !== undefined && first.bytesWanted !== null) {
      parts.push(percentText(memberFraction(first) ?? 0));
      parts.push(`${sizeText(first.bytesReceived)} of ${sizeText(first.bytesWanted)}`);
    }
    return parts.join(", ");
  }
  const fitting = fittingText(session);
  if (fitting !== null) {
    const there = members.filter((member) => member.state !== "offline").length;
    return `${fitting}: ${image ?? "the image"} for ${whom}, ${there} of ${members.length} PCs online`;
  }
  parts.push(`${state} ${image ?? ""} to ${whom}`);
  if (state === "gathering") {
    const absent = members.filter((member) => member.result === "pending" && !isReady(member));
    const there = members.filter(isReady).length;
    const missing = absent.map(({ name, state: is }) => `${name} (${howFar[is] ?? is})`);
    const whom = missing.length === 0 ? "" : `; missing: ${nameList(missing)}`;
    return `${parts[0]}, ${there} of ${members.length} PCs ready${whom}`;
  }
  parts.push(percentText(sessionFraction(session)));
  if (rateBps !== null) parts.push(linkRateText(rateBps));
  parts.push(`${counts.verified} of ${members.length} verified`);
  if (counts.failed > 0) parts.push(`${counts.failed} failed`);
  const boots = bootCounts(session);
  if (boots !== null) parts.push(boots);
  const left = session.secondsLeft;
  if (left !== null && left > 0) parts.push(`${durationText(left)} left`);
  const slow = slowest(session, linkMbps);
  if (slow !== null) parts.push(`slowest ${slow.name} (${slow.why})`);
  const unreached = members.filter(
    ({ result, lane }) => result === "pending" && lane === "http",
  ).length;
  if (unreached > 0) parts.push(`${unreached} over HTTP, multicast does not reach them`);
  return parts.join(", ");
}

/** Whether its disk is chosen and its wants are known. */
const isReady = ({ state, disk }: MemberView): boolean => state === "waiting" && disk !== null;

/** How far a PC has got that is not ready yet. */
const howFar: Partial<Record<MemberView["state"], string>> = {
  offline: "off",
  booting: "starting",
  waiting: "looking at its disk",
};

const tableColumns: readonly (readonly [
  string,
  (member: MemberView, session: SessionView) => string,
])[] = [
  ["PC", (member) => member.name],
  ["RESULT", ({ result }) => (result === "pending" ? "-" : result.toUpperCase())],
  ["DISK", ({ disk }) => (disk === null ? "-" : consoleText(diskIdentity(disk)))],
  [
    "DATA",
    (member, { kind }) =>
      sizeText(kind === "capture" || kind === "wipe" ? member.bytesReceived : member.bytesWritten),
  ],
  [
    "TIME",
    ({ startedAt, endedAt }) =>
      startedAt === null || endedAt === null
        ? "-"
        : durationText(secondsBetween(startedAt, endedAt)),
  ],
  ["LOSS", ({ lossRatio }) => (lossRatio === null ? "-" : lossText(lossRatio))],
  ["BOOT", memberBootText],
  ["REASON", ({ reason }) => consoleText(reason ?? "")],
];

/** Of a session that waits for nobody to come up there is nothing to say about it. */
const columnsOf = ({ members }: SessionView) =>
  tableColumns.filter(([title]) => title !== "BOOT" || members.some(({ boot }) => boot !== null));

/** Failed PCs first, then by name. */
export function membersByResult({ members }: SessionView): MemberView[] {
  const order = { failed: 0, stopped: 1, pending: 2, verified: 3 };
  return [...members].sort(
    (one, other) =>
      order[one.result] - order[other.result] ||
      one.name.localeCompare(other.name, "en", { numeric: true }),
  );
}

/** The session's result PC by PC, a heading and a line each; failed PCs come first. */
export function resultTable(session: SessionView): string[] {
  const columns = columnsOf(session);
  return tableLines(
    columns.map(([title]) => title),
    membersByResult(session).map((member) => columns.map(([, text]) => text(member, session))),
  );
}
