/** Variables in a folder, a disk with a GPT and a FAT, and efibootmgr as the other reader and writer. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { StepView } from "../../../../core/wire/views.ts";
import { openDisk } from "../../../../imaging/disk/disk.ts";
import {
  type BootEntriesOptions,
  partitionGuids,
  setBootEntries,
} from "../../../../imaging/personalise/uefi/boot-entries.ts";
import { network4, setupApp } from "../../../core/boot/efi-entries.ts";
import { fill, inFolder, makeAt, mib, tool } from "../../capture/disks.ts";

const global = "8be4df61-93ca-11d2-aa0d-00e098032b8c";
const espGuid = "01234567-89AB-CDEF-0123-456789ABCDEF";
const goneGuid = "99999999-89AB-CDEF-0123-456789ABCDEF";

/** A disk of 64 MiB whose first partition holds Debian's loader. */
function makeDisk(path: string, guid: string): void {
  fill(path, 64 * mib, 0);
  const table = `label: gpt\nstart=2048,size=65536,type=uefi,uuid=${guid}\nstart=67584,type=linux\n`;
  tool("sfdisk", ["-q", path], table);
  makeAt(path, mib, 32 * mib, (part) => {
    tool("mkfs.fat", ["-F", "16", part]);
    tool("mmd", ["-i", part, "::/EFI", "::/EFI/debian", "::/EFI/BOOT"]);
    const loader = join(path, "..", "loader");
    writeFileSync(loader, "MZ");
    for (const name of ["debian/shimx64.efi", "debian/grubx64.efi", "BOOT/BOOTX64.EFI"])
      tool("mcopy", ["-i", part, loader, `::/EFI/${name}`]);
  });
}

interface Pc {
  readonly folder: string;
  readonly variables: string;
  readonly options: BootEntriesOptions;
  put(name: string, value: Uint8Array): void;
  /** As efibootmgr lists it, without the lines of what is not set. */
  listed(): string[];
}

async function onPc(work: (pc: Pc) => Promise<void>): Promise<void> {
  await inFolder(async (folder) => {
    const firmware = join(folder, "efi");
    const variables = join(firmware, "efivars");
    mkdirSync(variables, { recursive: true });
    const disk = join(folder, "disk");
    makeDisk(disk, espGuid);
    const put = (name: string, value: Uint8Array): void =>
      writeFileSync(
        join(variables, `${name}-${global}`),
        Buffer.concat([Uint8Array.of(7, 0, 0, 0), value]),
      );
    await work({
      folder,
      variables,
      options: {
        disk,
        ...{ otherDisks: [], formerGuids: new Set<string>() },
        bootFirst: "network",
        signal: new AbortController().signal,
        firmware,
      },
      put,
      listed: () =>
        efibootmgr(variables, ["-v"])
          .split("\n")
          .filter((line) => /^Boot[0-9O]/.test(line)),
    });
  });
}

const efibootmgr = (variables: string, args: readonly string[]): string =>
  execFileSync("efibootmgr", args, {
    env: { ...process.env, EFIVARFS_PATH: `${variables}/` },
    encoding: "utf8",
    stdio: "pipe",
  });

/** With efibootmgr, for the first partition of the disk. */
function createEntry(pc: Pc, disk: string, label: string, file: string): void {
  const device = tool("losetup", ["-fP", "--show", disk]).trim();
  try {
    efibootmgr(pc.variables, ["-c", "-d", device, "-p", "1", "-L", label, "-l", file]);
  } finally {
    tool("losetup", ["-d", device]);
  }
}

const everything = (folder: string): Record<string, string> =>
  Object.fromEntries(
    readdirSync(folder)
      .sort()
      .map((name) => [name, readFileSync(join(folder, name)).toString("hex")]),
  );

async function guidsOf(path: string): Promise<Set<string>> {
  await using disk = await openDisk(path, { write: false });
  return await partitionGuids(disk);
}

const set = async (pc: Pc, more: Partial<BootEntriesOptions> = {}): Promise<StepView> => {
  const step = await setBootEntries({ ...pc.options, ...more });
  assert(step !== null);
  return step;
};

test("a PC with BIOS has no step", async () => {
  await onPc(async ({ options, folder }) => {
    assert.equal(await setBootEntries({ ...options, firmware: join(folder, "none") }), null);
  });
});

test("the disk's loader gets its entry, as efibootmgr would have made it, behind the network", async () => {
  await onPc(async (pc) => {
    pc.put("Boot0000", setupApp);
    pc.put("Boot0001", network4);
    pc.put("BootOrder", Uint8Array.of(0, 0, 1, 0));
    pc.put("BootCurrent", Uint8Array.of(1, 0));
    assert.deepEqual(await set(pc), {
      name: "UEFI boot entries",
      result: "done",
      detail: "0002 debian made, order 0001 0002 0000",
      files: [],
    });
    const listed = pc.listed();
    assert(listed.includes("BootOrder: 0001,0002,0000"), listed.join("\n"));
    const made = readFileSync(join(pc.variables, `Boot0002-${global}`));
    const debian = listed.find((line) => line.startsWith("Boot0002*"));
    assert.match(
      debian ?? "",
      /debian\tHD\(1,GPT,01234567-89ab-cdef-0123-456789abcdef,0x800,0x10000\)\/File\(\\EFI\\debian\\shimx64\.efi\)$/,
    );
    // The other writer's bytes.
    rmSync(join(pc.variables, `Boot0002-${global}`));
    createEntry(pc, pc.options.disk, "debian", "\\EFI\\debian\\shimx64.efi");
    assert.deepEqual(readFileSync(join(pc.variables, `Boot0002-${global}`)), made);
  });
});

test("what efibootmgr made is right, and not written again; the disk first on demand", async () => {
  await onPc(async (pc) => {
    createEntry(pc, pc.options.disk, "my own name", "\\EFI\\DEBIAN\\SHIMX64.EFI");
    pc.put("Boot0007", network4);
    pc.put("BootOrder", Uint8Array.of(7, 0, 0, 0));
    const before = everything(pc.variables);
    const step = await set(pc);
    assert.deepEqual([step.result, step.detail], ["done", "they are right already"]);
    assert.deepEqual(everything(pc.variables), before);
    assert.equal((await set(pc, { bootFirst: "disk" })).detail, "order 0000 0007");
    assert(pc.listed().includes("BootOrder: 0000,0007"));
  });
});

test("the former system's entries: the loader's is put right, another is removed; those of other disks stay", async () => {
  await onPc(async (pc) => {
    const former = join(pc.folder, "former");
    makeDisk(former, goneGuid);
    createEntry(pc, former, "ubuntu", "\\EFI\\ubuntu\\shimx64.efi");
    createEntry(pc, former, "debian", "\\EFI\\debian\\shimx64.efi");
    pc.put("Boot0005", network4);
    pc.put("BootOrder", Uint8Array.of(0, 0, 1, 0, 5, 0));
    const before = everything(pc.variables);
    const formerGuids = await guidsOf(former);
    const putBack = (): void => {
      for (const name of Object.keys(everything(pc.variables))) rmSync(join(pc.variables, name));
      for (const [name, hex] of Object.entries(before))
        writeFileSync(join(pc.variables, name), Buffer.from(hex, "hex"));
    };
    for (const other of [
      { formerGuids, otherDisks: [pc.options.disk, former] },
      // Out of sight, as a USB disk is.
      { otherDisks: [] },
    ]) {
      assert.equal((await set(pc, other)).detail, "0002 debian made, order 0005 0002 0000 0001");
      putBack();
    }
    const unreadable = await set(pc, { formerGuids, otherDisks: [join(pc.folder, "missing")] });
    assert.match(
      unreadable.detail,
      /missing could not be read, and so no entry was removed, 0002 debian made/,
    );
    rmSync(join(pc.variables, `Boot0002-${global}`));
    assert.equal(
      (await set(pc, { formerGuids })).detail,
      "0001 debian corrected, 0000 ubuntu removed: its partition is gone, order 0005 0001 0002",
    );
    assert(!existsSync(join(pc.variables, `Boot0000-${global}`)));
    assert(pc.listed().some((line) => line.includes("HD(1,GPT,01234567-")));
  });
});

test("variables that are protected from being written are written", async () => {
  await onPc(async (pc) => {
    pc.put("Boot0001", network4);
    pc.put("BootOrder", Uint8Array.of(1, 0));
    const order = join(pc.variables, `BootOrder-${global}`);
    tool("chattr", ["+i", order]);
    assert.throws(() => writeFileSync(order, "x"));
    assert.equal((await set(pc)).detail, "0000 debian made, order 0001 0000");
  });
});

test("a full memory for variables, and one that is not written, is told and not fatal", async () => {
  await onPc(async (pc) => {
    tool("mount", ["-t", "tmpfs", "-o", "size=1m,nr_inodes=4", "tmpfs", pc.variables]);
    try {
      pc.put("Boot0001", network4);
      pc.put("BootOrder", Uint8Array.of(1, 0));
      pc.put("BootNext", Uint8Array.of(1, 0));
      const before = everything(pc.variables);
      const full = await set(pc);
      assert.equal(full.result, "left");
      assert.match(full.detail, /memory for variables is full/);
      assert.deepEqual(everything(pc.variables), before);
      tool("mount", ["-o", "remount,ro", pc.variables]);
      const readOnly = await set(pc);
      assert.equal(readOnly.result, "left");
      assert.match(readOnly.detail, /cannot be written/);
    } finally {
      tool("umount", [pc.variables]);
    }
  });
});

test("a firmware that shows no variables is told", async () => {
  await onPc(async (pc) => {
    rmSync(pc.variables, { recursive: true });
    const step = await set(pc);
    assert.deepEqual([step.result, step.detail], ["left", "the firmware shows no variables"]);
  });
});
