/** The iPXE script that a PC gets: what to boot, and a short chance for a person to choose otherwise. */
import type { MacAddress } from "../units/mac.ts";

export interface IpxeScriptOptions {
  /** `http://ADDRESS:PORT` */
  readonly serverUrl: string;
  /** Of the interface that the PC boots by. */
  readonly mac: MacAddress;
  readonly decision: "agent" | "local-disk";
  /** Added to the kernel's command line; printable, without spaces. */
  readonly kernelArguments: readonly string[];
}

/** Seconds in which a key opens the menu: long enough to hit one, short enough for fifty PCs. */
const agentPromptSeconds = 2;
/** A PC on its way to its own disk may be wanted back in the menu. */
const diskPromptSeconds = 5;
/** Whoever opened the menu and went away: the PC goes on by itself. */
const menuSeconds = 300;

/** iPXE's scripting language (ipxe.org/cmd). Settings of the running iPXE are `${…}`. */
export function ipxeScript(options: IpxeScriptOptions): string {
  const { serverUrl, mac, decision, kernelArguments } = options;
  const kernel = (extra: readonly string[]): string =>
    [
      `kernel ${serverUrl}/boot/vmlinuz initrd=initrd.img roomcast.server=${serverUrl}`,
      // PXELINUX's form: the hardware type before the address.
      `BOOTIF=01-${mac.replaceAll(":", "-")}`,
      "quiet loglevel=3",
      ...kernelArguments,
      ...extra,
    ].join(" ");
  const seconds = decision === "agent" ? agentPromptSeconds : diskPromptSeconds;
  const goal = decision === "agent" ? "roomcast" : "this PC's own disk";
  return [
    "#!ipxe",
    `prompt --key m --timeout ${seconds * 1000} Starting ${goal}. Press m for the menu... && goto menu || goto ${decision}`,
    ":menu",
    "menu roomcast - what shall this PC start?",
    "item --key r agent      r  roomcast",
    "item --key s safe       s  roomcast with safe options (plain graphics, no APIC)",
    "item --key d local-disk d  this PC's own disk",
    "item --key i shell      i  iPXE shell",
    `choose --timeout ${menuSeconds * 1000} --default ${decision} target && goto \${target} || goto menu`,
    ":agent",
    `${kernel([])} || goto failed`,
    "goto initrd",
    ":safe",
    `${kernel(["nomodeset", "noapic"])} || goto failed`,
    ":initrd",
    `initrd ${serverUrl}/boot/initrd.img || goto failed`,
    "boot || goto failed",
    ":failed",
    `echo The server ${serverUrl} did not give the boot files. Trying again in 5 s; m: menu.`,
    // What was loaded before the failure would be loaded twice.
    "imgfree",
    "prompt --key m --timeout 5000 && goto menu || goto agent",
    ":shell",
    "shell",
    "goto menu",
    ":local-disk",
    // A BIOS goes on with its next device; UEFI does so only for an error (`exit` alone ends in its setup).
    "iseq ${platform} efi && exit 1 || exit 0",
    "",
  ].join("\n");
}
