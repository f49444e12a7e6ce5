import { readFileSync } from "node:fs";
import { usualMtu } from "../../core/boot/tftp-blocks.ts";

/** In bytes, as the interface has it now; the usual one of an interface that has just gone. */
export function interfaceMtu(name: string): number {
  try {
    return Number(readFileSync(`/sys/class/net/${name}/mtu`, "utf8"));
  } catch {
    return usualMtu;
  }
}
