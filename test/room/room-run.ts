/** One standing room: its wire, its server, its PCs and a folder of its own, all gone at the end. */
import { existsSync, readdirSync, rmSync } from "node:fs";
import { mkdir, open } from "node:fs/promises";
import { join } from "node:path";
import { assert } from "../../core/errors.ts";
import { type Lab, type LabOptions, repository, startLab } from "./lab.ts";
import { copyDisk, masterLayout } from "./master.ts";
import { openNetwork, type RoomNetwork } from "./network.ts";
import { type Pc, type PcOptions, startPc } from "./pc.ts";

/** Where everything of the virtual room lies: the master disk, screens, and a folder a run. */
export const roomFolder = join(repository, "build", "room");

/** What a PC's disk holds at power-on: a copy of the master's, or `fill` in every byte. */
export type DiskContent =
  | { readonly copyOf: string }
  | { readonly fill: number; readonly size?: number };

export type RoomPc = Omit<PcOptions, "disk" | "folder" | "bootFirst" | "memoryMib"> &
  Partial<Pick<PcOptions, "bootFirst" | "memoryMib">> & { readonly content: DiskContent };

export interface Room {
  /** Serial logs, the server's log, its data. */
  readonly folder: string;
  /** The server's data folder. */
  readonly data: string;
  readonly network: RoomNetwork;
  /** The server that runs now. */
  readonly lab: Lab;
  /** Ends it, and starts it again with this configuration. */
  restartServer(options: LabOptions): Promise<void>;
  /** Makes the PC's disk and switches it on; it tries the network first unless said otherwise. */
  start(spec: RoomPc): Promise<Pc>;
  /** Takes all down. The logs stay where `keepLogs` says so. */
  close(keepLogs: boolean): Promise<void>;
}

/** Memory of a PC: the boot image unpacks into it, and the agent runs in the rest. */
const memoryMib = 768;

/** Builds the wire and starts the server. The room is taken down when the process ends, too. */
export async function openRoom(server: LabOptions = {}): Promise<Room> {
  sweepDeadFolders();
  // An exit takes down what stands; a signal alone would not.
  for (const [signal, status] of [
    ["SIGINT", 130],
    ["SIGTERM", 143],
    ["SIGHUP", 129],
  ] as const) {
    process.once(signal, () => process.exit(status));
  }
  const folder = join(roomFolder, `run-${process.pid}`);
  const disks = join(folder, "disks");
  const data = join(folder, "data");
  await mkdir(disks, { recursive: true });
  const network = await openNetwork();
  // After the network's own: by then nobody writes there any more.
  const removeBulk = (): void => {
    for (const path of [disks, data]) rmSync(path, { recursive: true, force: true });
  };
  process.on("exit", removeBulk);
  let lab = await startLab(network, { data, log: join(folder, "server.log") }, server);
  const pcs: Pc[] = [];
  return {
    folder,
    data,
    network,
    get lab() {
      return lab;
    },
    async restartServer(options) {
      await lab.stop();
      lab = await startLab(network, { data, log: join(folder, "server-again.log") }, options);
    },
    async start({ content, ...rest }) {
      const disk = join(disks, `${rest.name}.raw`);
      if ("copyOf" in content) await copyDisk(content.copyOf, disk);
      else await fillDisk(disk, content.fill, content.size);
      const options = { bootFirst: "network", memoryMib, ...rest, disk, folder } as const;
      const pc = await startPc(options, network);
      pcs.push(pc);
      return pc;
    },
    async close(keepLogs) {
      await Promise.all(pcs.map((pc) => pc.powerOff()));
      await lab.stop();
      network.remove();
      removeBulk();
      process.off("exit", removeBulk);
      if (!keepLogs) rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A disk, of the master's size unless said otherwise, with one byte everywhere; sparse where that is zero. */
export async function fillDisk(
  path: string,
  fill: number,
  size: number = masterLayout.diskBytes,
): Promise<void> {
  await using file = await open(path, "w");
  await file.truncate(size);
  if (fill === 0) return;
  const block = Buffer.alloc(4 * 1024 * 1024, fill);
  for (let offset = 0; offset < size; offset += block.length) {
    await file.write(block, 0, Math.min(block.length, size - offset), offset);
  }
}

/** Whether two disk files are the same, byte by byte. */
export async function isSameDisk(left: string, right: string): Promise<boolean> {
  await using a = await open(left, "r");
  await using b = await open(right, "r");
  const { size } = await a.stat();
  if ((await b.stat()).size !== size) return false;
  const [stepA, stepB] = [Buffer.alloc(1 << 22), Buffer.alloc(1 << 22)];
  for (let offset = 0; offset < size; offset += stepA.length) {
    const length = (await a.read(stepA, 0, stepA.length, offset)).bytesRead;
    assert(length > 0, "the file is as long as it was");
    const other = await b.read(stepB, 0, length, offset);
    if (other.bytesRead !== length) return false;
    if (!stepA.subarray(0, length).equals(stepB.subarray(0, length))) return false;
  }
  return true;
}

function sweepDeadFolders(): void {
  if (!existsSync(roomFolder)) return;
  for (const name of readdirSync(roomFolder)) {
    const owner = /^run-(\d+)$/.exec(name)?.[1];
    if (owner === undefined || existsSync(`/proc/${owner}`)) continue;
    rmSync(join(roomFolder, name), { recursive: true, force: true });
  }
}
