/** The page of one PC. */
import { memberBootText } from "../../core/screen/boots.ts";
import { diskLine } from "../../core/screen/disk.ts";
import { barText } from "../../core/screen/format.ts";
import { identityLines } from "../../core/screen/identity.ts";
import { isRunning, type Part } from "../../core/screen/pc-state.ts";
import { memberFraction } from "../../core/screen/progress.ts";
import { subjectOf } from "../../core/screen/report.ts";
import { blank, cell, factRow, line, paragraph, type Row, span } from "../../core/screen/row.ts";
import type { PcView } from "../../core/wire/views.ts";
import type { Model } from "./model.ts";
import { speechOf, stateText } from "./speech.ts";

/** All that is known of a PC, its disks, and its part in the latest session. */
export function pcRows(model: Model, pc: PcView, columns: number): Row[] {
  const fact = (title: string, text: string): Row =>
    factRow(title, text, { columns, titleWidth: 12 });
  const speech = speechOf(model);
  const { t, told, date } = speech;
  const link = pc.nic.speedMbps === null ? t("pc.speedUnknown") : `${pc.nic.speedMbps} Mbit/s`;
  const isSecure = pc.secureBoot === null ? "unknown" : pc.secureBoot ? "on" : "off";
  const firmware =
    pc.firmware === null
      ? t("unknown")
      : t("pc.secureBoot", { firmware: pc.firmware.toUpperCase(), state: t(isSecure) });
  const lastSeen = pc.lastSeen === null ? t("never") : date(pc.lastSeen);
  const part = model.parts.get(pc.id);
  return [
    line(
      [
        pc.name,
        t("pc.room", { room: pc.room }),
        ...(pc.seat === null ? [] : [t("pc.seat", { seat: pc.seat })]),
        stateText(pc.state, speech),
      ].join("   "),
      "bold",
    ),
    blank,
    fact(t("pc.id"), pc.id),
    fact(t("address"), t("pc.lastSeen", { ip: pc.ip ?? t("none"), time: lastSeen })),
    ...(pc.moved === undefined ? [] : paragraph(t("pc.moved", pc.moved), columns, "warn")),
    ...(pc.bootTrouble === null
      ? []
      : paragraph(t("pc.boot", { what: told(pc.bootTrouble) }), columns, "warn")),
    fact("MAC", pc.macs.length === 0 ? pc.mac : pc.macs.join("  ")),
    ...identityLines(pc, speech).flatMap((text, index) =>
      index === 0
        ? [fact(t("pc.key"), text)]
        : paragraph(text, columns, pc.identity?.state === "placed" ? "plain" : "warn", 13),
    ),
    fact(t("pc.firmware"), firmware),
    fact(
      t("pc.memory"),
      pc.memoryBytes === null ? t("unknown") : `${(pc.memoryBytes / 2 ** 30).toFixed(1)} GiB`,
    ),
    fact(t("pc.network"), `${pc.nic.driver ?? t("pc.driverUnknown")}   ${link}`),
    fact(t("pc.agent"), pc.agentVersion ?? t("unknown")),
    blank,
    ...(pc.disks.length === 0
      ? [fact(t("disks"), t("pc.noDisks"))]
      : pc.disks.map((disk, index) => fact(index === 0 ? t("disks") : "", diskLine(disk, speech)))),
    blank,
    ...(part === undefined
      ? [fact(t("session"), t("pc.noSession"))]
      : partRows(model, part, fact, columns)),
  ];
}

function partRows(
  model: Model,
  { session, member }: Part,
  fact: (title: string, text: string) => Row,
  columns: number,
): Row[] {
  const speech = speechOf(model);
  const { t, told, size, byteRate, percent, loss, date } = speech;
  const ended = session.endedAt === null ? "" : t("pc.ended", { time: date(session.endedAt) });
  const image = subjectOf(session, (pc) => model.pcs.get(pc)?.name);
  const title = t("pc.sessionOf", {
    ...{ session: session.id, kind: t(`kind.${session.kind}`), image },
    ...{ state: t(`session.${session.state}`), ended },
  });
  const fraction = memberFraction(member);
  const rows: Row[] = [fact(t("session"), title)];
  if (isRunning(session) && fraction !== null) {
    const rate = member.writeBps === null ? "" : `   ${byteRate(member.writeBps)}`;
    const bar = barText(fraction, Math.min(50, columns - 40));
    rows.push(
      fact(
        t("progress"),
        `${bar} ${percent(fraction)}${rate}   ${stateText(member.state, speech)}`,
      ),
    );
  }
  const style =
    member.result === "verified" ? "good" : member.result === "failed" ? "bad" : "plain";
  rows.push([
    span(` ${cell(t("result"), 12)}`, "bold"),
    span(t(`result.${member.result}`).toUpperCase(), style),
  ]);
  if (member.boot !== null) {
    const { evidence, state } = member.boot;
    const seen = state === "up" && evidence !== null ? `: ${told(evidence)}` : "";
    rows.push(fact(t("pc.cameUp"), `${memberBootText(member, speech)}${seen}`));
  }
  if (member.lane === "http" || member.lane === "catch-up")
    rows.push(fact(t("pc.served"), t(member.lane === "http" ? "pc.overHttp" : "pc.afterOthers")));
  if (member.reason !== null) rows.push(...paragraph(told(member.reason), columns, style, 13));
  const wanted = member.bytesWanted === null ? "?" : size(member.bytesWanted);
  if (session.kind === "capture" || session.kind === "wipe") {
    const done = session.kind === "wipe" ? "pc.wiped" : "pc.read";
    rows.push(fact(t("data"), t(done, { some: size(member.bytesReceived), all: wanted })));
  } else {
    const kept = member.chunksKept === 0 ? "" : t("pc.kept", { count: member.chunksKept });
    rows.push(
      fact(
        t("data"),
        `${t("pc.written", { some: size(member.bytesWritten), all: wanted })}${kept}`,
      ),
      fact(t("loss"), member.lossRatio === null ? t("unknown") : loss(member.lossRatio)),
    );
  }
  if (member.disk !== null) rows.push(fact(t("pc.onto"), diskLine(member.disk, speech)));
  if (member.rootHash !== null) rows.push(fact(t("pc.rootHash"), member.rootHash));
  return rows;
}
