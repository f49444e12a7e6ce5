/** Ways to boot a PC: the rows of `make test-boot`. */
import type { RoomPc } from "./room-run.ts";

export type BootRow = Omit<RoomPc, "name" | "number" | "content"> & { readonly title: string };

const ways = [
  { title: "Secure Boot PXE", firmware: "uefi", secureBoot: true },
  { title: "UEFI PXE", firmware: "uefi" },
  { title: "UEFI HTTP", firmware: "uefi", httpBoot: true },
  { title: "BIOS PXE", firmware: "bios" },
] as const;

/**
 * Every way with every NIC and disk that the emulated firmware can boot by. Debian's OVMF drives no
 * e1000e: under UEFI such a card boots by iPXE in its ROM, which knows no UEFI HTTP boot, and which
 * Secure Boot refuses, as nobody has signed it.
 */
const everyRow: readonly BootRow[] = ways.flatMap((way) =>
  (["e1000e", "virtio"] as const)
    .filter((nic) => nic === "virtio" || way.title === "BIOS PXE" || way.title === "UEFI PXE")
    .flatMap((nic) =>
      (["ahci", "nvme", "virtio"] as const).map((bus) => ({
        ...way,
        nic,
        bus,
        title: `${way.title}, ${nic}, ${bus}`,
      })),
    ),
);

export const bootRows: readonly BootRow[] = [
  ...everyRow,
  // undionly hears nothing through the ROM of such a card: the iPXE in the ROM goes on by itself.
  { title: "BIOS PXE, vmxnet3, ahci", firmware: "bios", nic: "vmxnet3", bus: "ahci" },
];
