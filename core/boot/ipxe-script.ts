/** The iPXE script that a PC gets: what to boot, and a short chance for a person to choose otherwise. */
import {
  type BootEntry,
  type BootPlan,
  bootEntries,
  hungAdvice,
  promptSeconds,
} from "./boot-menu.ts";

/** Seconds after which an open menu that nobody uses starts the default. */
const menuSeconds = 300;

/** iPXE's scripting language (ipxe.org/cmd). Settings of the running iPXE are `${…}`. */
export function ipxeScript(plan: BootPlan): string {
  const { serverUrl, decision, lastStartHung } = plan;
  const entries = bootEntries(plan);
  const goal = decision === "agent" ? "roomcast" : "this PC's own disk";
  return [
    "#!ipxe",
    ...(lastStartHung ? hungAdvice.map((text) => `echo ${text}`) : []),
    `prompt --key m --timeout ${promptSeconds(plan) * 1000} Starting ${goal}. Press m for the menu... && goto menu || goto ${decision}`,
    ":menu",
    "menu roomcast - what shall this PC start?",
    ...entries.map(({ id, key, title }) => `item --key ${key} ${id} ${key}  ${title}`),
    ...(lastStartHung ? ["item --gap", ...hungAdvice.map((text) => `item --gap ${text}`)] : []),
    `choose --timeout ${menuSeconds * 1000} --default ${decision} target && goto \${target} || goto menu`,
    ...entries.flatMap((entry) => [`:${entry.id}`, ...commands(entry, serverUrl)]),
    ":failed",
    `echo The server ${serverUrl} did not give the boot files. Trying again in 5 s; m: menu.`,
    // What was loaded before the failure would be loaded twice.
    "imgfree",
    "prompt --key m --timeout 5000 && goto menu || goto agent",
    "",
  ].join("\n");
}

function commands(entry: BootEntry, serverUrl: string): string[] {
  const url = (path: string): string => `${serverUrl}/boot/${path}`;
  switch (entry.kind) {
    case "kernel": {
      const { vmlinuz, initrds } = entry.kernel;
      // UEFI: the kernel reads its initrds by these names from iPXE. BIOS: iPXE puts them one behind the other.
      const names = initrds.map((path) => `initrd=${baseName(path)}`).join(" ");
      return [
        `kernel ${url(vmlinuz)} ${names} ${entry.commandLine} || goto failed`,
        ...initrds.map((path) => `initrd ${url(path)} || goto failed`),
        "boot || goto failed",
      ];
    }
    case "memtest":
      return [
        "iseq ${platform} efi && goto memtest-efi ||",
        `kernel ${url("memtest.bin")} || goto failed`,
        "boot || goto failed",
        ":memtest-efi",
        `chain ${url("memtest.efi")} || goto failed`,
        "goto menu",
      ];
    case "local-disk":
      return [
        // UEFI goes on with its next entry only for an error (`exit` alone ends in its setup), and not
        // every firmware has an entry for a disk that was just restored: GRUB looks for its loader first.
        "iseq ${platform} efi || goto bios-disk",
        `chain ${url("localboot.efi")} || exit 1`,
        "exit 1",
        ":bios-disk",
        "sanboot --no-describe --drive 0x80 || exit 0",
        "exit 0",
      ];
    case "shell":
      return ["shell", "goto menu"];
  }
}

const baseName = (path: string): string => path.slice(path.lastIndexOf("/") + 1);
