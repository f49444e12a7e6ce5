import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, openSync, readFileSync } from "node:fs";
import { copyFile, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { stripVTControlCharacters } from "node:util";
import { RoomcastError } from "../../core/errors.ts";
import { press, type } from "./keyboard.ts";
import type { RoomNetwork } from "./network.ts";
import { Qmp } from "./qmp.ts";
import { inNamespace } from "./run.ts";
import { qemuTpm, startSwtpm } from "./swtpm.ts";
import { setVariables, type Variable } from "./varstore.ts";

export type Firmware = "bios" | "uefi";

/** What the firmware does beyond booting by PXE; all of it needs UEFI. */
export interface UefiFeatures {
  /** Microsoft's keys as PCs are sold with them: only what is signed by those is started. */
  readonly secureBoot?: boolean;
  /** With Secure Boot: none of Microsoft's keys, and only those that `variables` brings. */
  readonly ownKeysAlone?: boolean;
  /** Put into the firmware before its first power-on. */
  readonly variables?: readonly Variable[];
  /** Network boot by HTTP instead of PXE. */
  readonly httpBoot?: boolean;
}

export interface PcOptions extends UefiFeatures {
  /** Of the PC and its files. */
  readonly name: string;
  /** 1 to 254; gives the PC its port on the bridge, its MAC and its serial numbers. */
  readonly number: number;
  readonly firmware: Firmware;
  /** A raw disk file. What the guest writes stays in it. */
  readonly disk: string;
  /** `sd` is a card in an SDHCI slot, for want of an eMMC; `none`: the disk is not in the PC. */
  readonly bus: "nvme" | "ahci" | "virtio" | "virtio-scsi" | "sas" | "megaraid" | "sd" | "none";
  /** A place of the disk, in bytes: the first command there that writes zeros or erases fails. */
  readonly failsToEraseAt?: number;
  /** Of the disk; 512 unless said otherwise. */
  readonly logicalSector?: 4096;
  /** Raw files of further disks on the same bus, of which only `nvme`, `ahci` and `virtio` have room. */
  readonly furtherDisks?: readonly string[];
  /** A raw file that is a USB disk. */
  readonly usbDisk?: string;
  /** OVMF's own PXE drives virtio only; e1000e under UEFI boots by iPXE's ROM. */
  readonly nic: "e1000e" | "virtio" | "vmxnet3";
  /** What the firmware tries first; the other one is next. */
  readonly bootFirst: "network" | "disk";
  /** Whether the cable is in at power-on; it is unless said otherwise. */
  readonly hasLink?: boolean;
  /** A TPM 2.0, whose state stays in the folder for the next time the PC is switched on. */
  readonly tpm?: boolean;
  /** The PC's clock at power-on as QEMU's `-rtc base=` takes it; else the host's. */
  readonly clock?: string;
  readonly memoryMib: number;
  /** One unless said otherwise. */
  readonly cores?: number;
  /** Serial log, screens and sockets go here, and stay. */
  readonly folder: string;
  /** Boots this kernel straight away, without firmware's help. */
  readonly kernel?: {
    readonly kernel: string;
    /** Null: the kernel has all that its root needs. */
    readonly initrd: string | null;
    readonly append: string;
  };
}

export interface Pc {
  readonly name: string;
  readonly mac: string;
  readonly firmware: Firmware;
  readonly disk: string;
  readonly serialLog: string;
  /** For `vncviewer`, a UNIX socket. */
  readonly vncSocket: string;
  /** What the serial line has said since power-on. */
  serial(): string;
  /**
   * Waits until the serial line, from `after` characters on, matches. Answers how many characters
   * there are up to the end of the match. Rejects when the PC goes off or the time is up.
   */
  waitForSerial(pattern: RegExp, timeoutMs: number, after?: number): Promise<number>;
  /** Takes a picture of the screen, as PNG. */
  screen(path: string): Promise<void>;
  /** Types text on the PC's keyboard (US layout); `\n` is the return key. */
  type(text: string): Promise<void>;
  /** Presses QEMU's key names together: `["ctrl", "alt", "f2"]`. */
  press(keys: readonly string[]): Promise<void>;
  /** Pulls the network cable, or puts it in. */
  setLink(up: boolean): Promise<void>;
  /** Cuts the power and puts it on again at once. */
  reset(): Promise<void>;
  /** Resolves when the PC is off, whoever switched it off. */
  readonly off: Promise<void>;
  /** Pulls the plug. */
  powerOff(): Promise<void>;
}

/** `52:54:00:7e:00:NN`: QEMU's prefix, and the PC's number. */
export const macOf = (number: number): string =>
  `52:54:00:7e:00:${number.toString(16).padStart(2, "0")}`;

/**
 * Switches a PC on. It dies with this process, even by SIGKILL. Rejects with a RoomcastError that
 * holds QEMU's complaint if it does not start.
 */
export async function startPc(options: PcOptions, network: RoomNetwork): Promise<Pc> {
  const { name } = options;
  const mac = macOf(options.number);
  await mkdir(options.folder, { recursive: true });
  const files = {
    serial: join(options.folder, `${name}.serial.log`),
    qemu: join(options.folder, `${name}.qemu.log`),
    vars: join(options.folder, `${name}.vars.fd`),
    tpm: join(options.folder, `${name}.tpm`),
  };
  await writeFile(files.serial, "");
  await makeVariables(options, files.vars);
  const qmpSocket = join(network.socketFolder, `${name}.qmp`);
  const vncSocket = join(network.socketFolder, `${name}.vnc`);
  const port = await network.addPort(`port${options.number}`);
  const tpmSocket = join(network.socketFolder, `${name}.tpm`);
  const tpm = options.tpm ? await startSwtpm("qemu", files.tpm, tpmSocket) : null;
  const child = spawnQemu(
    [
      ...["-name", name, "-nodefaults", "-no-user-config", "-display", "none", "-vga", "std"],
      ...["-accel", "tcg,thread=multi,tb-size=256", "-cpu", "max"],
      ...["-smp", String(options.cores ?? 1)],
      ...["-m", String(options.memoryMib), "-uuid", uuidOf(options.number)],
      ...["-smbios", `type=1,manufacturer=QEMU,product=Room PC,serial=ROOM-${options.number}`],
      ...machine(options, files.vars),
      ...["-netdev", `tap,id=net0,ifname=${port},script=no,downscript=no`],
      ...nicDevice(options, mac),
      ...diskDevice(options),
      ...(tpm === null ? [] : qemuTpm(tpmSocket)),
      ...["-chardev", `file,id=serial0,path=${files.serial}`, "-serial", "chardev:serial0"],
      ...["-qmp", `unix:${qmpSocket},server=on,wait=off`, "-vnc", `unix:${vncSocket}`],
      ...(options.clock === undefined ? [] : ["-rtc", `base=${options.clock}`]),
      // The cable is pulled before the PC starts.
      ...(options.hasLink === false ? ["-S"] : []),
      ...directBoot(options.kernel),
    ],
    files.qemu,
    network.wireNamespace,
  );
  let isOff = false;
  const off = new Promise<void>((resolve) => {
    child.on("exit", async () => {
      isOff = true;
      await tpm?.stop();
      resolve();
    });
  });
  const qmp = await Promise.race([
    Qmp.open(qmpSocket, () => {}),
    off.then((): never => {
      const words = readFileSync(files.qemu, "utf8").trim();
      throw new RoomcastError("failed", `${name} does not start: ${words}`, "mend what QEMU says");
    }),
  ]);
  const setLink = async (up: boolean): Promise<void> => {
    await qmp.execute("set_link", { name: "net0", up });
  };
  if (options.hasLink === false) {
    await setLink(false);
    await qmp.execute("cont");
  }
  const serial = (): string => readFileSync(files.serial, "latin1");

  return {
    name,
    mac,
    firmware: options.firmware,
    disk: options.disk,
    serialLog: files.serial,
    vncSocket,
    serial,
    async waitForSerial(pattern, timeoutMs, after = 0) {
      const deadline = performance.now() + timeoutMs;
      for (;;) {
        const wasOff = isOff;
        const said = serial();
        const match = pattern.exec(said.slice(after));
        if (match !== null) return after + match.index + match[0].length;
        if (wasOff || performance.now() > deadline) {
          const why = wasOff ? "went off" : `had ${Math.round(timeoutMs / 1000)} s`;
          throw new RoomcastError(
            "failed",
            `${name} ${why} without ${pattern} on its serial line, which ends: ${lastLines(said)}`,
            `read ${files.serial}`,
          );
        }
        await sleep(200);
      }
    },
    async screen(path) {
      await qmp.execute("screendump", { filename: path, format: "png" });
    },
    type: (text) => type(qmp, text),
    press: (keys) => press(qmp, keys),
    setLink,
    async reset() {
      await qmp.execute("system_reset");
    },
    off,
    async powerOff() {
      child.kill("SIGKILL");
      await off;
    },
  };
}

function spawnQemu(args: readonly string[], log: string, namespace: string): ChildProcess {
  const output = openSync(log, "w");
  const command = ["setpriv", "--pdeathsig", "KILL", "qemu-system-x86_64", ...args];
  const [program, ...rest] = inNamespace(namespace, command) as [string, ...string[]];
  const child = spawn(program, rest, { stdio: ["ignore", output, output] });
  child.on("error", () => {}); // a missing program shows as an exit
  return child;
}

const ovmf = "/usr/share/OVMF";

/** They keep a PC's boot entries: a PC that is switched on again finds its own. */
async function makeVariables(options: PcOptions, path: string): Promise<void> {
  const { firmware, secureBoot = false, ownKeysAlone = false, variables = [] } = options;
  if (firmware === "bios" || existsSync(path)) return;
  const blank = secureBoot && !ownKeysAlone ? "OVMF_VARS_4M.ms.fd" : "OVMF_VARS_4M.fd";
  await copyFile(join(ovmf, blank), path);
  await setVariables(path, variables);
}

function machine(options: PcOptions, vars: string): string[] {
  const { firmware, secureBoot = false, httpBoot = false } = options;
  const board = "q35,vmport=off";
  if (firmware === "bios") return ["-machine", board];
  const code = secureBoot ? "OVMF_CODE_4M.secboot.fd" : "OVMF_CODE_4M.fd";
  return [
    // Secure Boot's variables are guarded by system management mode.
    ...["-machine", secureBoot ? `${board},smm=on` : board],
    ...(secureBoot ? ["-global", "driver=cfi.pflash01,property=secure,value=on"] : []),
    ...["-drive", `if=pflash,unit=0,format=raw,readonly=on,file=${join(ovmf, code)}`],
    ...["-drive", `if=pflash,unit=1,format=raw,file=${vars}`],
    ...(httpBoot ? ["-fw_cfg", "name=opt/org.tianocore/IPv4PXESupport,string=n"] : []),
    // As in most labs' setups. OVMF would try it for 70 s before it goes on to the PC's own disk.
    ...["-fw_cfg", "name=opt/org.tianocore/IPv6PXESupport,string=n"],
  ];
}

function nicDevice(options: PcOptions, mac: string): string[] {
  const model = options.nic === "virtio" ? "virtio-net-pci" : options.nic;
  // With a ROM on the card, OVMF would boot by that instead of its own PXE.
  const rom = options.firmware === "uefi" && options.nic === "virtio" ? ",romfile=" : "";
  // A kernel that is booted straight away takes the first place itself.
  const isFirst = options.bootFirst !== "disk" && options.kernel === undefined;
  return ["-device", `${model},netdev=net0,mac=${mac},bootindex=${isFirst ? 0 : 2}${rom}`];
}

function diskDevice(options: PcOptions): string[] {
  const { bus, usbDisk } = options;
  if (bus === "none") return [];
  const drive = (id: string, file: string): string[] => [
    "-drive",
    `if=none,id=${id},format=raw,cache=unsafe,discard=unmap,file=${file}`,
  ];
  const sector =
    options.logicalSector === undefined
      ? ""
      : `,logical_block_size=${options.logicalSector},physical_block_size=${options.logicalSector}`;
  // A card has no serial number to set, and no firmware here starts from one.
  const identity = bus === "sd" ? "" : `,serial=ROOMDISK${options.number},bootindex=1${sector}`;
  const further = (options.furtherDisks ?? []).flatMap((file, index) => [
    ...drive(`disk${index + 1}`, file),
    "-device",
    `${diskModel(bus, index + 1)},drive=disk${index + 1},serial=FURTHER${index + 1}`,
  ]);
  return [
    ...(controllers[bus] ?? []),
    ...(options.failsToEraseAt === undefined
      ? drive("disk0", options.disk)
      : ["-blockdev", JSON.stringify(failingDisk(options.disk, options.failsToEraseAt))]),
    ...["-device", `${diskModel(bus, 0)},drive=disk0${identity}`],
    ...further,
    ...(usbDisk === undefined
      ? []
      : [
          ...["-device", "qemu-xhci"],
          ...drive("usb0", usbDisk),
          ...["-device", "usb-storage,drive=usb0,serial=STICK1"],
        ]),
  ];
}

/** As QEMU's `blkdebug` has it. */
const failingDisk = (filename: string, place: number): object => ({
  ...{ driver: "blkdebug", "node-name": "disk0", discard: "unmap" },
  image: { driver: "file", filename, discard: "unmap" },
  "inject-error": [
    { event: "none", iotype: "write-zeroes", sector: place / 512, errno: 5, once: true },
  ],
});

const controllers: Readonly<Record<string, readonly string[]>> = {
  "virtio-scsi": ["-device", "virtio-scsi-pci,id=scsi0"],
  sas: ["-device", "mptsas1068,id=scsi0"],
  megaraid: ["-device", "megasas,id=scsi0"],
  sd: ["-device", "sdhci-pci"],
};

function diskModel(bus: Exclude<PcOptions["bus"], "none">, index: number): string {
  switch (bus) {
    case "nvme":
      return "nvme";
    case "ahci":
      return `ide-hd,bus=ide.${index}`;
    case "virtio":
      return "virtio-blk-pci";
    case "virtio-scsi":
    case "megaraid":
      return "scsi-hd,bus=scsi0.0";
    // A SAS controller reports no disk that has no address of its own.
    case "sas":
      return `scsi-hd,bus=scsi0.0,wwn=0x5000c500000000a${index}`;
    case "sd":
      return "sd-card";
  }
}

function directBoot(kernel: PcOptions["kernel"]): string[] {
  if (kernel === undefined) return [];
  const initrd = kernel.initrd === null ? [] : ["-initrd", kernel.initrd];
  return ["-kernel", kernel.kernel, ...initrd, "-append", kernel.append];
}

function uuidOf(number: number): string {
  return `7e000000-0000-4000-8000-${number.toString(16).padStart(12, "0")}`;
}

function lastLines(text: string): string {
  const lines = stripVTControlCharacters(text)
    .split("\n")
    .map((line) => line.replace(/\p{Cc}/gu, "").trim())
    .filter((line) => line !== "");
  return JSON.stringify(lines.slice(-5).join(" | ").slice(-600));
}
