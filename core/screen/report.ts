/** The result of a session: one sentence, one table, and a line while it runs. */
import type { MemberView, SessionKind, SessionView } from "../wire/views.ts";
import type { ScreenKey } from "../words/en.ts";
import { english, type ScreenSpeech } from "../words/english.ts";
import { bootClause, bootCounts, memberBootText, otherNotices } from "./boots.ts";
import { diskIdentity, diskName } from "./disk.ts";
import { fittingText } from "./fit.ts";
import { durationText, lossText, secondsBetween, sizeText } from "./format.ts";
import { doneWord, stateKey } from "./pc-state.ts";
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
export function sentence(session: SessionView, speech: ScreenSpeech = english): string {
  if (session.kind === "capture") return captureSentence(session, speech);
  if (session.kind === "wipe") return wipeSentence(session, speech);
  const { t, told } = speech;
  const { verified, failed, stopped, pending } = resultCounts(session);
  const all = session.members.length;
  const isOver = session.endedAt !== null;
  const done = t(isOver ? "report.verified" : "report.soFar", { count: verified, all });
  const parts = [`${done}${bootClause(session, speech)}.`];
  if (session.state === "stopped") parts.unshift(t("report.wasStopped"));
  if (isOver)
    parts.push(
      ...otherNotices(session).map((notice) => t("report.note", { notice: told(notice) })),
    );
  const because = (result: MemberView["result"]): string => reasons(session, result, speech);
  if (failed > 0) parts.push(t("report.failed", { count: failed, reasons: because("failed") }));
  if (stopped > 0 && stopped < all)
    parts.push(t("report.stopped", { count: stopped, reasons: because("stopped") }));
  if (isOver && pending > 0) parts.push(t("report.pending", { count: pending }));
  return parts.join(" ");
}

/** What a session is of: its image; without one, the PC whose disk it wipes or casts. `nameOf`: of a PC's id. */
export function subjectOf(
  { image, sender, members }: Pick<SessionView, "image" | "sender" | "members">,
  nameOf: (pc: string) => string | undefined,
): string {
  if (image !== null) return image;
  return sender === null ? (members[0]?.name ?? "") : (nameOf(sender) ?? sender);
}

function captureSentence({ members, image, state }: SessionView, speech: ScreenSpeech): string {
  const { t } = speech;
  const [member] = members;
  const name = image ?? t("report.theDisk");
  const what =
    member === undefined ? name : t("report.imageFrom", { image: name, pc: member.name });
  switch (state) {
    case "done":
      return t("report.captured", { what });
    case "failed":
      return t("report.captureFailed", { what, why: whyOf(member, speech) });
    case "stopped":
      return t("report.captureStopped", { what, why: whyOf(member, speech) });
    default:
      return t("report.capturing", { what });
  }
}

function wipeSentence({ members, state }: SessionView, speech: ScreenSpeech): string {
  const { t } = speech;
  const [member] = members;
  const what = t("report.diskOf", { pc: member?.name ?? t("report.thePc") });
  switch (state) {
    case "done":
      return t("report.wiped", { what });
    case "failed":
      return t("report.wipeFailed", { what, why: whyOf(member, speech) });
    case "stopped":
      return t("report.wipeStopped", { what, why: whyOf(member, speech) });
    default:
      return t("report.wiping", { what });
  }
}

const whyOf = (member: MemberView | undefined, speech: ScreenSpeech): string =>
  member === undefined ? "" : `: ${failure(member, speech)}`;

/** `pc14, write error …; pc15 and pc16, the PC was not on`: those with the same reason together. */
function reasons(session: SessionView, result: MemberView["result"], speech: ScreenSpeech): string {
  const byReason = new Map<string, string[]>();
  for (const member of session.members) {
    if (member.result !== result) continue;
    const why = failure(member, speech);
    const names = byReason.get(why);
    if (names === undefined) byReason.set(why, [member.name]);
    else names.push(member.name);
  }
  const told = [...byReason]
    .slice(0, reasonsTold)
    .map(([why, names]) => `${nameList(names, speech)}, ${why}`);
  const untold = [...byReason].slice(reasonsTold).reduce((sum, [, names]) => sum + names.length, 0);
  return [...told, ...(untold > 0 ? [speech.t("list.andMore", { count: untold })] : [])].join("; ");
}

function nameList(names: readonly string[], { t }: ScreenSpeech): string {
  const [last = ""] = names.slice(-1);
  if (names.length <= 1) return last;
  if (names.length <= namesTold)
    return t("list.and", { some: names.slice(0, -1).join(", "), last });
  const some = names.slice(0, namesTold).join(", ");
  return t("list.more", { some, count: names.length - namesTold });
}

/** The member's reason; one that is about its disk says which disk that is. */
function failure({ reason, disk }: MemberView, { t, told }: ScreenSpeech): string {
  if (reason === null) return t("report.noReason");
  const english = consoleText(reason).replace(/\.$/, "");
  const why = consoleText(told(english));
  if (disk === null || !/\b(disk|read|write|written|sector|I\/O)\b/i.test(english)) return why;
  if (disk.serial !== null && english.includes(disk.serial)) return why;
  if (disk.model !== null && english.includes(disk.model)) return why;
  const identity = consoleText(diskIdentity(disk));
  const words = english.split(/[\s,;:()]+/);
  if (!words.includes(disk.path) && !words.includes(diskName(disk.path))) {
    return t("report.onDisk", { why, disk: identity });
  }
  return identity.includes(" (") ? `${why} ${identity.slice(identity.indexOf("("))}` : why;
}

/**
 * One line about a running session, for a terminal or a log: rate, progress, time left, the slowest
 * PC.
 */
export function progressLine(session: SessionView, speech: ScreenSpeech = english): string {
  const { kind, image, room, state, members, rateBps } = session;
  const { t, percent, size, linkRate, duration } = speech;
  const all = members.length;
  const [first] = members;
  const whom = room ?? (all === 1 && first ? first.name : t("line.pcs", { count: all }));
  if (kind === "capture" || kind === "wipe") {
    const parts =
      kind === "wipe"
        ? [t("line.wiping", { whom })]
        : [t("line.capturing", { image: image ?? t("line.aDisk"), whom })];
    if (first !== undefined && first.bytesWanted !== null) {
      const [some, whole] = [size(first.bytesReceived), size(first.bytesWanted)];
      parts.push(percent(memberFraction(first) ?? 0), t("amount.of", { some, all: whole }));
    }
    return parts.join(", ");
  }
  const fitting = fittingText(session, speech);
  if (fitting !== null) {
    const there = members.filter((member) => member.state !== "offline").length;
    return t("line.fitting", { fitting, image: image ?? t("line.theImage"), whom, there, all });
  }
  const begun = t("line.to", { state: t(`session.${state}`), image: image ?? "", whom });
  if (state === "gathering") return gatheringLine(begun, members, speech);
  const parts = [begun, percent(sessionFraction(session))];
  if (rateBps !== null) parts.push(linkRate(rateBps));
  const { verified, failed } = resultCounts(session);
  parts.push(t("report.verified", { count: verified, all }));
  if (failed > 0) parts.push(t("line.failed", { count: failed }));
  const boots = bootCounts(session, speech);
  if (boots !== null) parts.push(boots);
  const left = session.secondsLeft;
  if (left !== null && left > 0) parts.push(t("time.left", { time: duration(left) }));
  const slow = slowest(session, speech);
  if (slow !== null) parts.push(t("line.slowest", { pc: slow.name, why: slow.why }));
  const unreached = members.filter(
    ({ result, lane }) => result === "pending" && lane === "http",
  ).length;
  if (unreached > 0) parts.push(t("line.http", { count: unreached }));
  return parts.join(", ");
}

/** Who is ready, and how far each of those is that are not. */
function gatheringLine(
  begun: string,
  members: readonly MemberView[],
  speech: ScreenSpeech,
): string {
  const { t } = speech;
  const missing = members
    .filter((member) => member.result === "pending" && !isReady(member))
    .map(({ name, state }) => `${name} (${t(howFar[state] ?? stateKey(state))})`);
  const there = members.filter(isReady).length;
  const whom = missing.length === 0 ? "" : t("line.missing", { names: nameList(missing, speech) });
  return `${t("line.ready", { begun, count: there, all: members.length })}${whom}`;
}

/** Whether its disk is chosen and its wants are known. */
const isReady = ({ state, disk }: MemberView): boolean => state === "waiting" && disk !== null;

/** How far a PC has got that is not ready yet. */
const howFar: Partial<Record<MemberView["state"], ScreenKey>> = {
  offline: "line.off",
  booting: "line.starting",
  waiting: "line.looking",
};

/** What became of a PC, in a word: `VERIFIED`, of a capture `CAPTURED`. */
export const resultWord = ({ result }: MemberView, kind: SessionKind): string =>
  result === "verified" ? doneWord[kind] : result.toUpperCase();

/** The bytes of its disk that are written; of a capture those that are read, of a wipe those that are wiped. */
export const bytesDone = (member: MemberView, kind: SessionKind): number =>
  kind === "capture" || kind === "wipe" ? member.bytesReceived : member.bytesWritten;

const tableColumns: readonly (readonly [
  string,
  (member: MemberView, session: SessionView) => string,
])[] = [
  ["PC", (member) => member.name],
  ["RESULT", (member, { kind }) => (member.result === "pending" ? "-" : resultWord(member, kind))],
  ["DISK", ({ disk }) => (disk === null ? "-" : consoleText(diskIdentity(disk)))],
  ["DATA", (member, { kind }) => sizeText(bytesDone(member, kind))],
  [
    "TIME",
    ({ startedAt, endedAt }) =>
      startedAt === null || endedAt === null
        ? "-"
        : durationText(secondsBetween(startedAt, endedAt)),
  ],
  ["LOSS", ({ lossRatio }) => (lossRatio === null ? "-" : lossText(lossRatio))],
  ["BOOT", (member) => memberBootText(member)],
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
