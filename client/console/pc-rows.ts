/** The page of one PC. */
import { memberBootText } from "../../core/screen/boots.ts";
import { diskLine } from "../../core/screen/disk.ts";
import {
  barText,
  byteRateText,
  dateText,
  lossText,
  percentText,
  sizeText,
} from "../../core/screen/format.ts";
import { identityLines } from "../../core/screen/identity.ts";
import { isRunning, type Part } from "../../core/screen/pc-state.ts";
import { memberFraction } from "../../core/screen/progress.ts";
import { blank, cell, factRow, line, paragraph, type Row, span } from "../../core/screen/row.ts";
import type { PcView } from "../../core/wire/views.ts";
import type { Model } from "./model.ts";

const yesNo = (value: boolean | null): string =>
  value === null ? "unknown" : value ? "on" : "off";

/** All that is known of a PC, its disks, and its part in the latest session. */
export function pcRows(model: Model, pc: PcView, columns: number): Row[] {
  const fact = (title: string, text: string): Row =>
    factRow(title, text, { columns, titleWidth: 12 });
  const link = pc.nic.speedMbps === null ? "speed unknown" : `${pc.nic.speedMbps} Mbit/s`;
  const firmware =
    pc.firmware === null
      ? "unknown"
      : `${pc.firmware.toUpperCase()}   Secure Boot ${yesNo(pc.secureBoot)}`;
  const part = model.parts.get(pc.id);
  return [
    line(
      `${pc.name}   room ${pc.room}${pc.seat === null ? "" : `   seat ${pc.seat}`}   ${pc.state}`,
      "bold",
    ),
    blank,
    fact("Id", pc.id),
    fact(
      "Address",
      `${pc.ip ?? "none"}   last seen ${pc.lastSeen === null ? "never" : dateText(pc.lastSeen)} UTC`,
    ),
    ...(pc.bootTrouble === null
      ? []
      : paragraph(`its network boot: it ${pc.bootTrouble}`, columns, "warn")),
    fact("MAC", pc.macs.length === 0 ? pc.mac : pc.macs.join("  ")),
    ...identityLines(pc).flatMap((text, index) =>
      index === 0
        ? [fact("Key", text)]
        : paragraph(text, columns, pc.identity?.state === "placed" ? "plain" : "warn", 13),
    ),
    fact("Firmware", firmware),
    fact(
      "Memory",
      pc.memoryBytes === null ? "unknown" : `${(pc.memoryBytes / 2 ** 30).toFixed(1)} GiB`,
    ),
    fact("Network", `${pc.nic.driver ?? "unknown driver"}   ${link}`),
    fact("Agent", pc.agentVersion ?? "unknown"),
    blank,
    ...(pc.disks.length === 0
      ? [fact("Disks", "none known")]
      : pc.disks.map((disk, index) => fact(index === 0 ? "Disks" : "", diskLine(disk)))),
    blank,
    ...(part === undefined ? [fact("Session", "none so far")] : partRows(part, fact, columns)),
  ];
}

function partRows(
  { session, member }: Part,
  fact: (title: string, text: string) => Row,
  columns: number,
): Row[] {
  const ended = session.endedAt === null ? "" : `, ended ${dateText(session.endedAt)} UTC`;
  const title = `${session.id}   ${session.kind} of ${session.image ?? "?"}: ${session.state}${ended}`;
  const fraction = memberFraction(member);
  const rows: Row[] = [fact("Session", title)];
  if (isRunning(session) && fraction !== null) {
    const rate = member.writeBps === null ? "" : `   ${byteRateText(member.writeBps)}`;
    const bar = barText(fraction, Math.min(50, columns - 40));
    rows.push(fact("Progress", `${bar} ${percentText(fraction)}${rate}   ${member.state}`));
  }
  const style =
    member.result === "verified" ? "good" : member.result === "failed" ? "bad" : "plain";
  rows.push([span(` ${cell("Result", 12)}`, "bold"), span(member.result.toUpperCase(), style)]);
  if (member.boot !== null) {
    const { evidence, state } = member.boot;
    const seen = state === "up" && evidence !== null ? `: ${evidence}` : "";
    rows.push(fact("Came up", `${memberBootText(member)}${seen}`));
  }
  if (member.lane === "http" || member.lane === "catch-up")
    rows.push(fact("Served", member.lane === "http" ? "over HTTP" : "after the others"));
  if (member.reason !== null) rows.push(...paragraph(member.reason, columns, style, 13));
  const wanted = member.bytesWanted === null ? "?" : sizeText(member.bytesWanted);
  if (session.kind === "capture" || session.kind === "wipe") {
    const done = session.kind === "wipe" ? "wiped" : "read";
    rows.push(fact("Data", `${done} ${sizeText(member.bytesReceived)} of ${wanted}`));
  } else {
    const kept = member.chunksKept === 0 ? "" : `, ${member.chunksKept} MiB were right already`;
    rows.push(
      fact("Data", `written ${sizeText(member.bytesWritten)} of ${wanted}${kept}`),
      fact("Loss", member.lossRatio === null ? "unknown" : lossText(member.lossRatio)),
    );
  }
  if (member.disk !== null) rows.push(fact("Onto", diskLine(member.disk)));
  if (member.rootHash !== null) rows.push(fact("Root hash", member.rootHash));
  return rows;
}
