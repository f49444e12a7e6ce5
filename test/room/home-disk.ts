/**
 * A disk that says on the serial line that it was started: by a BIOS, by UEFI, and with Secure Boot.
 * Small and quickly made, for tests whose subject is the way to the disk.
 */
import { open, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { run } from "./run.ts";

const mib = 1024 * 1024;
const esp = { start: mib, size: 40 * mib };
const words = "started from its own disk";

/** What it says. */
export const homeWords = new RegExp(words);

/** 16-bit code of a boot sector: writes the text behind it to the first serial port, then halts. */
const sectorCode = [
  0xfa, // cli
  ...[0x31, 0xc0], // xor ax, ax
  ...[0x8e, 0xd8], // mov ds, ax
  ...[0xbe, 0x16, 0x7c], // mov si, 0x7c00 + the length of this code
  ...[0xba, 0xf8, 0x03], // mov dx, 0x3f8: COM1
  0xac, // next: lodsb
  ...[0x84, 0xc0], // test al, al
  ...[0x74, 0x03], // jz end
  0xee, // out dx, al
  ...[0xeb, 0xf8], // jmp next
  0xf4, // end: hlt
  ...[0xeb, 0xfd], // jmp end
];

/** Writes it to `path`. The loaders are those of the boot folder: signed, so that Secure Boot lets them run. */
export async function makeHomeDisk(path: string, bootFolder: string): Promise<void> {
  {
    await using file = await open(path, "w");
    await file.truncate(64 * mib);
  }
  const table = [
    "label: gpt",
    `start=${esp.start / 512}, size=${esp.size / 512}, type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B`,
  ];
  await run(["sfdisk", "--quiet", path], { input: `${table.join("\n")}\n` });
  await run([
    ...["mkfs.vfat", "-F", "16", "-n", "EFI", "-h", String(esp.start / 512)],
    ...["--offset", String(esp.start / 512), path, String(esp.size / 1024)],
  ]);
  const script = `${path}.grub.cfg`;
  await writeFile(script, `serial --unit=0\nterminal_output serial\necho "${words}"\nsleep 900\n`);
  const drive = `${path}@@${esp.start}`;
  await run(["mmd", "-i", drive, "::/EFI", "::/EFI/BOOT", "::/grub"]);
  for (const [from, to] of [
    [join(bootFolder, "shimx64.efi"), "EFI/BOOT/BOOTX64.EFI"],
    [join(bootFolder, "grubx64.efi"), "EFI/BOOT/grubx64.efi"],
    [script, "grub/grub.cfg"],
  ] as const)
    await run(["mcopy", "-i", drive, from, `::/${to}`]);
  await using file = await open(path, "r+");
  const code = Buffer.concat([Buffer.from(sectorCode), Buffer.from(`${words}\r\n\0`)]);
  // Up to the disk signature and the protective partition table, which stay.
  await file.write(code, 0, code.length, 0);
}
