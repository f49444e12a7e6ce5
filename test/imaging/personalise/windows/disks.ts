/** NTFS volumes with what of a Windows matters here, and what becomes of them. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Personal, WindowsPersonal } from "../../../../core/wire/personal.ts";
import type { StepView } from "../../../../core/wire/views.ts";
import { personaliseWindows } from "../../../../imaging/personalise/windows/windows.ts";
import { mib, tool, treeOf } from "../../capture/disks.ts";
import { type HiveKeys, makeHive } from "./hives.ts";

/** Of one control set. */
const controlSet = (name: string): HiveKeys => ({
  [`${name}\\Control\\ComputerName\\ComputerName`]: {
    "@": "string:mnmsrvc",
    ComputerName: "string:MASTER",
  },
  [`${name}\\Control\\Session Manager\\Environment`]: { PROCESSOR_ARCHITECTURE: "string:AMD64" },
  [`${name}\\Services\\Tcpip\\Parameters`]: {
    DataBasePath: "expandstring:%SystemRoot%\\System32\\drivers\\etc",
    HostName: "string:Master",
    "NV Hostname": "string:Master",
    Domain: "string:",
    IPEnableRouter: "dword:0",
    Guid: `hex:3:${Array.from({ length: 40 }, (_, index) => index.toString(16).padStart(2, "0")).join(",")}`,
  },
});

export const systemKeys: HiveKeys = {
  ...controlSet("ControlSet001"),
  ...controlSet("ControlSet002"),
  Select: { Current: "dword:1", Default: "dword:1" },
  Setup: { SystemSetupInProgress: "dword:0" },
};

export const generalised = "[State]\r\nImageState=IMAGE_STATE_GENERALIZE_RESEAL_TO_OOBE\r\n";
export const complete = "[State]\r\nImageState=IMAGE_STATE_COMPLETE\r\n";

/** Files of a Windows that was set up. */
export const windowsFiles = (): Record<string, string | Uint8Array> => ({
  "Windows/System32/config/SYSTEM": makeHive(systemKeys),
  "Windows/System32/config/SYSTEM.LOG1": "of before",
  "Windows/Setup/State/State.ini": complete,
  "Windows/Panther/setupact.log": "2026",
  "Users/master/notes.txt": "kept",
});

/** A volume with these files, for as long as the test looks at it. */
export async function withVolume(
  files: Readonly<Record<string, string | Uint8Array>>,
  work: (device: string) => Promise<void>,
  sizeMib = 24,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "roomcast-windows-"));
  const image = join(folder, "volume");
  writeFileSync(image, "");
  truncateSync(image, sizeMib * mib);
  const device = tool("losetup", ["-f", "--show", image]).trim();
  try {
    tool("mkntfs", ["-q", "-Q", "-F", "-p", "2048", "-H", "16", "-S", "63", device]);
    mounted(device, "rw", (root) => put(root, files));
    await work(device);
  } finally {
    tool("losetup", ["-d", device]);
    rmSync(folder, { recursive: true });
  }
}

export function put(root: string, files: Readonly<Record<string, string | Uint8Array>>): void {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }
}

export function mounted<T>(device: string, options: string, work: (root: string) => T): T {
  const root = mkdtempSync(join(tmpdir(), "roomcast-mounted-"));
  tool("ntfs-3g", ["-o", options, device, root]);
  try {
    return work(root);
  } finally {
    tool("umount", [root]);
    rmSync(root, { recursive: true });
  }
}

/**
 * Writes into the volume's log ($LogFile, file 2) the restart page of one that is in use: a client is in
 * the list of those that are, and the flag of a clean volume is not set.
 */
export function makeUnclean(device: string): void {
  const folder = mkdtempSync(join(tmpdir(), "roomcast-log-"));
  const file = join(folder, "log");
  tool("sh", ["-c", 'ntfscat -q -i 2 "$1" > "$2"', "sh", device, file]);
  const log = readFileSync(file);
  const page = Buffer.alloc(4096);
  const at = (offset: number, ...numbers: readonly number[]): void => {
    for (const [index, number] of numbers.entries()) page.writeUInt16LE(number, offset + index * 2);
  };
  page.write("RSTR");
  // Update sequence: at 0x1e, of 9 numbers, the last of each sector; sizes of pages; the area at 0x30.
  at(4, 0x1e, 9);
  at(16, 4096, 0, 4096, 0, 0x30, 1, 1, 1);
  for (let end = 512; end <= page.length; end += 512) at(end - 2, 1);
  // One client, none free, the first in use; lengths of the area and of what comes before the client.
  at(0x30, 1, 0, 0, 0, 1, 0xffff, 0, 0);
  page.writeUInt32LE(67 - log.length.toString(2).length, 0x30 + 16);
  at(0x30 + 20, 208, 48);
  page.writeUInt32LE(log.length, 0x30 + 24);
  at(0x30 + 36, 48, 64);
  at(0x60 + 16, 0xffff, 0xffff);
  page.writeUInt32LE(8, 0x60 + 28);
  page.write("NTFS", 0x60 + 32, "utf16le");
  for (const offset of [0, 4096]) page.copy(log, offset);
  writeFileSync(file, log);
  tool("ntfscp", ["-q", "-f", "-i", device, file, "2"]);
  rmSync(folder, { recursive: true });
}

/** Every file of the volume, by what is in it. */
export const filesOf = (device: string): Record<string, string> => mounted(device, "ro", treeOf);

/** As Windows would name the files that are not in both as they are in the other. */
export function differing(
  some: Readonly<Record<string, string>>,
  others: Readonly<Record<string, string>>,
): string[] {
  const names = [...new Set([...Object.keys(some), ...Object.keys(others)])];
  return names
    .filter((name) => some[name] !== others[name])
    .map((name) => `C:\\${name.replaceAll("/", "\\")}`)
    .sort();
}

export const noWindows: WindowsPersonal = {
  ...{ locale: null, timeZone: null, joinBlob: null, firstLogon: null },
  isJoinWithheld: false,
  drivers: [],
};

export const personal = (change: Partial<Personal> = {}): Personal => ({
  ...{ name: "lab1-a3", domain: null, room: "lab1", seat: "a3" },
  ...{ address: { kind: "dhcp" }, sshKeys: [], hostKeys: null, fields: {} },
  ...{ bootFirst: "network", steps: [], windows: null },
  ...change,
});

export interface Personalised {
  /** Whether there was a Windows. */
  readonly isWindows: boolean;
  readonly steps: readonly StepView[];
}

/** Runs it on a volume; `drivers`: what the server has. */
export async function personalise(
  device: string,
  whose: Personal,
  drivers: Readonly<Record<string, Uint8Array>> = {},
): Promise<Personalised> {
  const steps: StepView[] = [];
  const isWindows = await personaliseWindows(
    { name: "partition 3", fs: "ntfs", device },
    {
      personal: whose,
      signal: new AbortController().signal,
      said: (step) => steps.push(step),
      async *driver(path) {
        const content = drivers[path];
        if (content === undefined) throw new Error(`no driver ${path} was announced`);
        yield content;
      },
    },
  );
  return { isWindows, steps };
}
