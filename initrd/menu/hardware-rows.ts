/** The page that says which PC this is, and what is in it. */
import { diskIdentity } from "../../core/screen/disk.ts";
import { sizeText } from "../../core/screen/format.ts";
import { blank, cell, factRow, paragraph, type Row, span } from "../../core/screen/row.ts";
import type { DiskView } from "../../core/wire/views.ts";
import type { MenuView } from "./view.ts";

const titleWidth = 10;

export function hardwareRows(view: MenuView, columns: number): Row[] {
  const { pc, hardware, disks } = view;
  const { nic, identity, firmware, secureBoot, memoryBytes, agentVersion } = hardware;
  const fact = (title: string, text: string): Row => factRow(title, text, { columns, titleWidth });
  const boot = { bios: "BIOS", uefi: "UEFI" };
  const secure = { true: "  Secure Boot on", false: "  Secure Boot off", null: "" };
  const speed = nic.speedMbps === null ? "link speed unknown" : `${nic.speedMbps} Mbit/s`;
  return [
    fact("PC", `${pc.name ?? "no name yet"}  room ${pc.room ?? "none"}`),
    fact("UUID", identity.uuid ?? "none of its own"),
    fact("Serials", identity.serials.length === 0 ? "none" : identity.serials.join("  ")),
    fact("Firmware", firmware === null ? "unknown" : `${boot[firmware]}${secure[`${secureBoot}`]}`),
    fact("Memory", memoryBytes === null ? "unknown" : sizeText(memoryBytes)),
    fact("Network", `${nic.driver ?? "no driver"}  ${speed}  ${pc.ip ?? "no address"}`),
    ...identity.macs.slice(0, 4).map((mac, index) => fact(index === 0 ? "MACs" : "", mac)),
    fact("roomcast", agentVersion),
    blank,
    ...disks.slice(0, 8).flatMap((disk) => diskRows(disk, columns)),
    ...(disks.length > 8 ? [fact("", `and ${disks.length - 8} more disks`)] : []),
  ];
}

function diskRows(disk: DiskView, columns: number): Row[] {
  const kind = disk.rotational === null ? "" : disk.rotational ? "  rotating" : "  solid state";
  const health = disk.health === null ? "" : `  health: ${disk.health}`;
  return [
    [
      span(` ${cell(`${sizeText(disk.size)}`, titleWidth)}`, "bold"),
      span(cell(diskIdentity(disk), columns - titleWidth - 2)),
    ],
    ...paragraph(
      `${disk.transport ?? "unknown bus"}${kind}  sectors of ${disk.logicalSector} bytes${health}`,
      columns,
      "plain",
      titleWidth + 1,
    ),
  ];
}
