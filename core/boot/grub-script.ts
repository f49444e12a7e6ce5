/** The GRUB script that a PC gets under Secure Boot: the choices of `ipxe-script.ts` in GRUB's language. */
import {
  type BootEntry,
  type BootPlan,
  bootEntries,
  hungAdvice,
  promptSeconds,
} from "./boot-menu.ts";

/** Where the script of one PC is; GRUB has the address in `$net_default_mac`. */
export const grubScriptName = /^grub\/pc\/([0-9a-f:]{17})\.cfg$/;

/** GRUB 2.06's scripting language (its manual, chapter 6). The files come by TFTP: Debian's signed GRUB has no HTTP. */
export function grubScript(plan: BootPlan): string {
  const { decision, lastStartHung } = plan;
  return [
    "set timeout_style=menu",
    `set timeout=${promptSeconds(plan)}`,
    `set default=${decision}`,
    ...bootEntries(plan).flatMap((entry) =>
      entry.kind === "shell"
        ? []
        : [
            `menuentry "${entry.key}  ${entry.title}" --id ${entry.id} --hotkey=${entry.key} {`,
            ...commands(entry).map((line) => `  ${line}`),
            "}",
          ],
    ),
    ...(lastStartHung ? hungAdvice.map((text) => `menuentry "${text}" { true; }`) : []),
    "",
  ].join("\n");
}

/** GRUB's menu has its own key for its command line (`c`), and says so. */
function commands(entry: Exclude<BootEntry, { kind: "shell" }>): readonly string[] {
  switch (entry.kind) {
    case "kernel": {
      const { vmlinuz, initrds } = entry.kernel;
      return [
        'echo "Loading the kernel and the agent..."',
        `if linux /${vmlinuz} ${entry.commandLine}; then`,
        `  if initrd ${initrds.map((path) => `/${path}`).join(" ")}; then boot; fi`,
        "fi",
        'echo "The server did not give the boot files. Trying again in 10 s; Escape: the menu."',
        "if sleep --verbose --interruptible 10; then configfile /grub/grub.cfg; fi",
      ];
    }
    case "memtest":
      // Unsigned: Secure Boot refuses it, and says so.
      return [
        "if chainloader /memtest.efi; then boot; fi",
        'echo "Secure Boot lets only signed programs run. To test the memory, switch it off meanwhile."',
        "sleep --interruptible 10",
      ];
    case "local-disk":
      return localDiskCommands;
  }
}

/** Loaders of installed systems on an EFI system partition; where several lie, the first of them is started. */
const diskLoaders = [
  "/EFI/debian/shimx64.efi",
  "/EFI/ubuntu/shimx64.efi",
  "/EFI/fedora/shimx64.efi",
  "/EFI/centos/shimx64.efi",
  "/EFI/rocky/shimx64.efi",
  "/EFI/almalinux/shimx64.efi",
  "/EFI/redhat/shimx64.efi",
  "/EFI/opensuse/shim.efi",
  "/EFI/Microsoft/Boot/bootmgfw.efi",
  "/EFI/BOOT/BOOTX64.EFI",
];

/** Starts the loader on the PC's disk, else leaves it to the firmware. Also what `localboot.efi` is made of. */
export const localDiskCommands: readonly string[] = [
  `for loader in ${diskLoaders.join(" ")}; do`,
  // `chainloader` tells the loader that it comes from `root`, whatever its path says.
  "  if search --no-floppy --file --set=root $loader; then",
  '    echo "Starting $loader on $root"',
  "    if chainloader $loader; then boot; fi",
  "  fi",
  "done",
  'echo "No boot loader was found on this PC\'s disks."',
  "exit 1",
];
