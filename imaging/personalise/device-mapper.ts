/** A device for what lies in several pieces, where the kernel has a device mapper. */
import { randomUUID } from "node:crypto";
import type { Extent } from "../../core/image/extents.ts";
import { sectorBytes } from "../../core/image/lvm.ts";
import type { PartitionDevice } from "../disk/partition-device.ts";
import { runTool, untilItEnds } from "../disk/tool.ts";

/** null where there is no device mapper. */
export async function mappedDevice(
  device: string,
  parts: readonly Extent[],
  signal: AbortSignal,
): Promise<PartitionDevice | null> {
  await runTool("modprobe", ["-q", "dm-mod"], signal);
  const name = `roomcast-${randomUUID()}`;
  // No udev need be there: dmsetup makes the device's file, and waits for nobody.
  const own = ["--noudevrules", "--noudevsync"];
  const args = ["create", ...own, "--concise", `${name},,,rw,${mapperTable(device, parts)}`];
  signal.throwIfAborted();
  const { status } = await runTool("dmsetup", args, untilItEnds());
  if (status !== 0) return null;
  return {
    path: `/dev/mapper/${name}`,
    release: async () => void (await runTool("dmsetup", ["remove", ...own, name], untilItEnds())),
  };
}

/** dmsetup(8), "CONCISE FORMAT": a table's lines, one a piece, in sectors of 512 bytes. */
export function mapperTable(device: string, parts: readonly Extent[]): string {
  let at = 0;
  return parts
    .map(({ start, length }) => {
      const line = [at, length, "linear", device, start];
      at += length;
      return line
        .map((field) => (typeof field === "number" ? field / sectorBytes : field))
        .join(" ");
    })
    .join(",");
}
