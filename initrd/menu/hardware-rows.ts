/** The page that says which PC this is, and what is in it. */
import { diskIdentity } from "../../core/screen/disk.ts";
import { blank, cell, factRow, paragraph, type Row, span } from "../../core/screen/row.ts";
import type { DiskView } from "../../core/wire/views.ts";
import { type MenuSpeech, speechOf } from "./speech.ts";
import type { MenuView } from "./view.ts";

const titleWidth = 10;

export function hardwareRows(view: MenuView, columns: number): Row[] {
  const { pc, hardware, disks } = view;
  const speech = speechOf(view);
  const { t, size } = speech;
  const { nic, identity, firmware, secureBoot, memoryBytes, agentVersion } = hardware;
  const fact = (title: string, text: string): Row => factRow(title, text, { columns, titleWidth });
  const boot = { bios: "BIOS", uefi: "UEFI" };
  const secure = secureBoot === null ? "" : `  ${t(secureBoot ? "hw.secureOn" : "hw.secureOff")}`;
  const speed = nic.speedMbps === null ? t("hw.speedUnknown") : `${nic.speedMbps} Mbit/s`;
  const room = pc.room === null ? t("pc.noRoom") : t("pc.inRoom", { room: pc.room });
  const { serials } = identity;
  return [
    fact(t("pc"), `${pc.name ?? t("pc.noName")}  ${room}`),
    fact("UUID", identity.uuid ?? t("hw.noUuid")),
    fact(t("hw.serials"), serials.length === 0 ? t("none") : serials.join("  ")),
    fact(t("hw.firmware"), firmware === null ? t("unknown") : `${boot[firmware]}${secure}`),
    fact(t("hw.memory"), memoryBytes === null ? t("unknown") : size(memoryBytes)),
    fact(
      t("hw.network"),
      `${nic.driver ?? t("hw.noDriver")}  ${speed}  ${pc.ip ?? t("pc.noAddress")}`,
    ),
    ...identity.macs.slice(0, 4).map((mac, index) => fact(index === 0 ? t("hw.macs") : "", mac)),
    fact("roomcast", agentVersion),
    blank,
    ...disks.slice(0, 8).flatMap((disk) => diskRows(disk, speech, columns)),
    ...(disks.length > 8 ? [fact("", t("hw.moreDisks", { count: disks.length - 8 }))] : []),
  ];
}

function diskRows(disk: DiskView, { t, size }: MenuSpeech, columns: number): Row[] {
  const { rotational, health } = disk;
  const parts = [
    disk.transport ?? t("hw.noBus"),
    ...(rotational === null ? [] : [t(rotational ? "hw.rotating" : "hw.solid")]),
    t("hw.sectors", { bytes: disk.logicalSector }),
    ...(health === null ? [] : [t("hw.health", { health })]),
  ];
  return [
    [
      span(` ${cell(size(disk.size), titleWidth)}`, "bold"),
      span(cell(diskIdentity(disk), columns - titleWidth - 2)),
    ],
    ...paragraph(parts.join("  "), columns, "plain", titleWidth + 1),
  ];
}
