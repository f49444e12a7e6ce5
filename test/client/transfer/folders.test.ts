/** Folders of Clonezilla and FOG, made with their tools: what comes in is what a capture of the disk takes. */
import assert from "node:assert/strict";
import {
  copyFileSync,
  cpSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { ImageView } from "../../../core/wire/views.ts";
import {
  copyPart,
  inFolder,
  lookAt,
  makeAt,
  mib,
  placesOf,
  someFiles,
  tool,
  toolBeside,
} from "../../imaging/capture/disks.ts";
import { openTransfers, type Transfers } from "./open-transfers.ts";
import { type Part, saveClonezilla, saveFog } from "./saved-folders.ts";

let at: Transfers;
before(async () => {
  at = await openTransfers();
});
after(() => at.close());

/** GPT: an ESP, a root, swap with a label; deleted data in the free space. */
function gptDisk(disk: string, files: string): Part[] {
  writeFileSync(disk, "");
  truncateSync(disk, 64 * mib);
  const script = `label: gpt\nsize=12MiB, type=uefi, name="EFI System"\nsize=32MiB, type=linux\nsize=4MiB, type=swap\n`;
  tool("sfdisk", ["-q", disk], script);
  const [esp, root, swap] = placesOf(disk) as [Part, Part, Part];
  makeAt(disk, esp.start, esp.size, (part) => {
    tool("mkfs.vfat", ["-n", "ESP", part]);
    tool("mcopy", ["-i", part, join(files, "text"), "::/text"]);
  });
  makeAt(disk, root.start, root.size, (part) => {
    tool("mkfs.ext4", ["-q", "-L", "root", "-d", files, part]);
    tool("debugfs", ["-w", "-R", "rm /random", part]);
    tool("sh", ["-c", `e2fsck -fy ${part} || test $? -le 1`]);
  });
  makeAt(disk, swap.start, swap.size, (part) => void tool("mkswap", ["-L", "pages", part]));
  return [
    { ...esp, index: 1, fs: "vfat" },
    { ...root, index: 2, fs: "ext4" },
    { ...swap, index: 3, fs: "swap" },
  ];
}

function unlabelSwap(disk: string, parts: readonly Part[]): void {
  const { start, size } = parts.find(({ fs }) => fs === "swap") as Part;
  makeAt(disk, start, size, (part) => void tool("swaplabel", ["-L", "", part]));
}

/** MBR: NTFS, an extended partition with two logical ones, one of them of a kind that nobody knows. */
function mbrDisk(disk: string, files: string): Part[] {
  writeFileSync(disk, "");
  truncateSync(disk, 48 * mib);
  tool(
    "sfdisk",
    ["-q", disk],
    `label: dos\nlabel-id: 0xc0ffee00\n
     disk1: start=2048, size=32768, type=7, bootable
     disk2: start=34816, size=59392, type=5
     disk5: start=36864, size=32768, type=83
     disk6: start=71680, size=12288, type=da\n`,
  );
  const [ntfs, , ext, data] = placesOf(disk) as [Part, Part, Part, Part];
  makeAt(disk, ntfs.start, ntfs.size, (part) => {
    tool("mkntfs", ["-qF", "-s", "512", "-p", "2048", "-H", "255", "-S", "63", part]);
    tool("ntfscp", ["-q", "-f", part, join(files, "random"), "random"]);
  });
  makeAt(disk, ext.start, ext.size, (part) => void tool("mkfs.ext4", ["-q", "-d", files, part]));
  makeAt(disk, data.start, data.size, (part) =>
    writeFileSync(part, Buffer.alloc(data.size, "raw")),
  );
  const boot = readFileSync(disk).subarray(0, 512);
  boot.write("boot code", 0);
  makeAt(disk, 0, mib, (part) => {
    const head = Buffer.from(readFileSync(part));
    boot.copy(head);
    head.write("GRUB core", 512);
    writeFileSync(part, head);
  });
  return [
    { ...ntfs, index: 1, fs: "ntfs" },
    { ...ext, index: 5, fs: "ext4" },
    { ...data, index: 6, fs: "dd" },
  ];
}

test("Clonezilla and FOG, GPT: the image is that of the disk itself, byte for byte", () =>
  inFolder(async (folder) => {
    const disk = join(folder, "disk.raw");
    const parts = gptDisk(disk, someFiles(folder));
    // FOG keeps the UUID of swap space, and not its label.
    const unlabelled = join(folder, "unlabelled.raw");
    copyFileSync(disk, unlabelled);
    unlabelSwap(unlabelled, parts);
    const saves = [
      { by: "cz", compression: "zst", pieces: split, save: saveClonezilla, from: disk },
      { by: "cz", compression: "gz", pieces: single, save: saveClonezilla, from: disk },
      { by: "cz", compression: "xz", pieces: single, save: saveClonezilla, from: disk },
      { by: "fog", compression: "gz", pieces: split, save: saveFog, from: unlabelled },
      { by: "fog", compression: "zst", pieces: single, save: saveFog, from: unlabelled },
    ];
    const saved = saves.map(({ by, compression, pieces, save, from }) =>
      save(from, join(folder, `${by}-${compression}`), parts, pieces(compression)),
    );
    await Promise.all(saved);
    const wholes = new Map([
      ["cz", await at.import(disk, "disk-cz")],
      ["fog", await at.import(unlabelled, "disk-fog")],
    ]);
    for (const { by, compression } of saves) {
      const whole = wholes.get(by);
      assert(whole !== undefined);
      const name = `${by}-${compression}`;
      const image = await at.import(join(folder, name), name);
      assert.deepEqual(image.warnings, [], name);
      assert.deepEqual(
        image.partitions.map(({ index, start, size, mode }) => ({ index, start, size, mode })),
        whole.partitions.map(({ index, start, size, mode }) => ({ index, start, size, mode })),
      );
      assert.equal(image.diskBytes, whole.diskBytes);
      await at.requireSame(image, whole, name);
    }
    const clonezilla = await at.client.get<ImageView>("/images/cz-zst");
    assert.deepEqual(
      clonezilla.partitions.map(({ fs, label }) => [fs, label]),
      [
        ["vfat", "ESP"],
        ["ext4", "root"],
        ["swap", "pages"],
      ],
    );
  }));

test("Clonezilla and FOG, MBR with logical partitions: table, boot code, NTFS with its last sector", () =>
  inFolder(async (folder) => {
    const disk = join(folder, "disk.raw");
    const parts = mbrDisk(disk, someFiles(folder));
    const whole = await at.import(disk, "disk");
    await Promise.all([
      saveClonezilla(disk, join(folder, "cz-lz4"), parts, split("lz4")),
      saveFog(disk, join(folder, "fog-none"), parts, split("none")),
    ]);
    const original = await Promise.all(parts.map((part) => usedOf(disk, part)));
    for (const name of ["cz-lz4", "fog-none"]) {
      const image = await at.import(join(folder, name), name);
      const copy = join(folder, `${name}.raw`);
      await at.export(name, copy);
      const table = (path: string): string =>
        tool("sfdisk", ["-d", path])
          .replaceAll(path, "disk")
          .replaceAll(/^device:.*$/gm, "");
      assert.equal(table(copy), table(disk), name);
      assert.ok(
        readFileSync(copy).subarray(0, mib).equals(readFileSync(disk).subarray(0, mib)),
        name,
      );
      for (const { start, size, fs } of parts) {
        lookAt(copy, start, size, (part) => {
          if (fs === "ext4") tool("e2fsck", ["-fn", part]);
          if (fs === "ntfs") tool("ntfsresize", ["-n", "-i", "-f", part]);
        });
      }
      const used = await Promise.all(parts.map((part) => usedOf(copy, part)));
      assert.deepEqual(used, original, name);
      if (name.startsWith("cz")) await at.requireSame(image, whole, name);
      else assert.match(image.warnings.join(), /does not say how large the disk is/);
    }
  }));

/** A sum of what the file system uses: its own copy by partclone, without what that leaves to chance. */
async function usedOf(path: string, { index, fs, ...place }: Part): Promise<string> {
  const part = `${path}.used${index}`;
  copyPart(path, place, part);
  const program = { ext4: "extfs", ntfs: "ntfs" }[fs ?? ""];
  const read =
    program === undefined
      ? `cat ${part}`
      : `partclone.${program} -c -q -f 0 -s ${part} -O - -L /dev/null && tail -c 512 ${part}`;
  return toolBeside("sh", ["-ec", `{ ${read}; } | sha256sum`]);
}

test("a folder that is cut, damaged or lacks a part is refused, and leaves nothing", () =>
  inFolder(async (folder) => {
    const disk = join(folder, "disk.raw");
    const parts = gptDisk(disk, someFiles(folder));
    const before = await at.images.usage();
    const cases: [string, (saved: string) => void, RegExp][] = [
      [
        "cut",
        (saved) => truncateSync(lastPiece(saved, "sda2."), 1000),
        /partition 2.*cut or damaged/,
      ],
      ["gone", (saved) => rmSync(lastPiece(saved, "sda1.")), /sda1 was saved, and is not there/],
      ["first", (saved) => rmSync(join(saved, "sda2.ext4-ptcl-img.zst.aa")), /\.aa is not there/],
      [
        "flipped",
        (saved) => flip(join(saved, "sda2.ext4-ptcl-img.zst.aa")),
        /partition 2.*damaged/,
      ],
      ["table", (saved) => truncateSync(join(saved, "sda-gpt-1st"), 900), /sda-gpt-1st is cut/],
    ];
    const [sound, plain, fog] = ["sound", "plain", "fog"].map((name) => join(folder, name));
    assert(sound !== undefined && plain !== undefined && fog !== undefined);
    await Promise.all([
      saveClonezilla(disk, sound, parts, split("zst")),
      saveClonezilla(disk, plain, parts, split("none")),
      saveFog(disk, fog, parts, single("gz")),
    ]);
    for (const [name, spoil, message] of cases) {
      const saved = join(folder, name);
      cpSync(sound, saved, { recursive: true });
      spoil(saved);
      await assert.rejects(at.import(saved, name), { code: "bad-input", message }, name);
    }
    // Without compression nothing but partclone's own sums can tell.
    flip(join(plain, "sda2.ext4-ptcl-img.aa"));
    await assert.rejects(at.import(plain, "plain"), { code: "bad-input", message: /checksum/ });
    // Without partclone's sums the compressor's, at its very end, is all there is.
    flip(join(fog, "d1p2.img"), -6);
    await assert.rejects(at.import(fog, "plain"), { code: "bad-input", message: /crc error/ });
    await assert.rejects(at.import(folder, "x"), {
      code: "bad-input",
      message: /neither Clonezilla/,
    });
    assert.equal((await at.images.usage()).storedBytes, before.storedBytes);
    for (const name of [...cases.map(([each]) => each), "plain"]) {
      assert.equal(at.images.find(name), undefined);
    }
  }));

test("a partition that partclone.dd saved, in a Clonezilla folder: its bytes", () =>
  inFolder(async (folder) => {
    const disk = join(folder, "disk.raw");
    const parts = mbrDisk(disk, someFiles(folder));
    const saved = parts.map((part) => (part.fs === "dd" ? { ...part, fs: "dd-ptcl" } : part));
    const whole = await at.import(disk, "msr-disk");
    for (const compression of ["gz", "none"]) {
      await saveClonezilla(disk, join(folder, compression), saved, split(compression));
      const image = await at.import(join(folder, compression), `msr-${compression}`);
      await at.requireSame(image, whole, compression);
      const warnings = compression === "gz" ? /^$/ : /^partition 6: .*without checksums/;
      assert.match(image.warnings.join(), warnings);
    }
  }));

test("a FOG folder that lacks a partition is refused, unless the operator names it; swap needs no name", () =>
  inFolder(async (folder) => {
    const disk = join(folder, "disk.raw");
    const parts = gptDisk(disk, someFiles(folder));
    const fog = join(folder, "fog");
    await saveFog(disk, fog, parts, single("none"));
    const cz = join(folder, "cz");
    await saveClonezilla(disk, cz, parts, { compression: "gz", pieceBytes: 64 * mib });
    const whole = await at.import(fog, "lacks-nothing");
    // FOG has partclone write no sums.
    assert.match(whole.warnings.join(), /partition 2: .*without checksums.*damage/);
    rmSync(join(fog, "d1p2.img"));
    rmSync(lastPiece(cz, "sda2."));
    for (const saved of [fog, cz]) {
      const refusal = { code: "bad-input", message: /(partition 2|sda2).*(missing|not there)/ };
      await assert.rejects(at.import(saved, "lacks"), refusal);
      await assert.rejects(at.import(saved, "lacks", false, [1]), refusal);
      await assert.rejects(at.import(saved, "lacks", false, [2, 9]), { code: "usage" });
      assert.equal(at.images.find("lacks"), undefined);
    }
    for (const saved of [fog, cz]) {
      const { partitions, warnings } = await at.import(saved, "without", false, [2]);
      assert.deepEqual(
        partitions.map(({ mode }) => mode),
        ["used", "skipped", "used"],
      );
      assert.match(warnings.join(), /partition 2.*not taken from the folder/);
    }
    writeFileSync(join(fog, "d1.original.swapuuids"), "");
    const { partitions } = await at.import(fog, "no-swap", false, [2]);
    assert.equal(partitions[2]?.mode, "skipped");
    await assert.rejects(at.import(disk, "file", false, [2]), { code: "usage" });
  }));

test("the size of an MBR disk is what its folder or --disk-size says", () =>
  inFolder(async (folder) => {
    const disk = join(folder, "disk.raw");
    const parts = mbrDisk(disk, someFiles(folder));
    const { size } = statSync(disk);
    const [fog, cz] = [join(folder, "fog"), join(folder, "cz")];
    await saveFog(disk, fog, parts, single("gz"));
    await saveClonezilla(disk, cz, parts, split("gz"));
    rmSync(join(cz, "sda-pt.parted"), { force: true });
    const given = size + 8 * mib;
    for (const [name, saved] of Object.entries({ fog, cz })) {
      const unknown = await at.import(saved, `${name}-unknown`);
      assert.match(unknown.warnings.join(), /does not say how large the disk is/);
      const image = await at.import(saved, name, false, [], given);
      assert.deepEqual([image.diskBytes, image.warnings], [given, []]);
      for (const wrong of [mib, given + 1]) {
        await assert.rejects(at.import(saved, name, false, [], wrong), { code: "usage" });
      }
    }
    const dump = readFileSync(join(fog, "d1.partitions"), "utf8");
    const listing = `Disk /dev/sda: 1 GiB, ${given} bytes, ${given / 512} sectors\n`;
    writeFileSync(join(fog, "d1.partitions"), listing + dump);
    const told = await at.import(fog, "told");
    assert.deepEqual([told.diskBytes, told.warnings], [given, []]);
    await assert.rejects(at.import(disk, "file", false, [], given), { code: "usage" });
  }));

test("a file that a folder lacks is called by its name", () =>
  inFolder(async (folder) => {
    const disk = join(folder, "disk.raw");
    const parts = gptDisk(disk, someFiles(folder));
    const [fog, cz] = [join(folder, "fog"), join(folder, "cz")];
    await saveFog(disk, fog, parts, single("gz"));
    await saveClonezilla(disk, cz, parts, split("gz"));
    rmSync(join(cz, "sda-gpt-1st"));
    rmSync(join(fog, "d1.partitions"));
    const lacks = (file: string) => ({
      code: "bad-input",
      message: new RegExp(`${file} is missing`),
    });
    await assert.rejects(at.import(cz, "cz"), lacks("the file sda-gpt-1st"));
    await assert.rejects(at.import(fog, "fog"), lacks("the file d1.partitions"));
  }));

test("what ntfsclone or partimage saved is called by its name", () =>
  inFolder(async (folder) => {
    const disk = join(folder, "disk.raw");
    const parts = mbrDisk(disk, someFiles(folder));
    for (const [name, tool] of [
      ["sda1.ntfs-img.gz.aa", "ntfsclone"],
      ["sda1.gz.000", "partimage"],
    ] as const) {
      const saved = join(folder, `cz-${tool}`);
      await saveClonezilla(disk, saved, parts, split("gz"));
      for (const each of readdirSync(saved)) if (/^sda1\./.test(each)) rmSync(join(saved, each));
      writeFileSync(join(saved, name), "");
      const message = new RegExp(`was saved by ${tool}`);
      await assert.rejects(at.import(saved, tool), { code: "bad-input", message });
    }
    const fog = join(folder, "fog");
    await saveFog(disk, fog, parts, single("none"));
    tool("ntfsclone", ["-q", "-f", "-s", "-O", join(fog, "d1p1.img"), partOf(disk, parts)]);
    const ntfsclone = { code: "bad-input", message: /was saved by ntfsclone/ };
    await assert.rejects(at.import(fog, "fog"), ntfsclone);
    writeFileSync(join(fog, "d1p1.img"), Buffer.from("PaRtImAgE-VoLuMe".padEnd(600, "\0")));
    const partimage = { code: "bad-input", message: /was saved by partimage/ };
    await assert.rejects(at.import(fog, "fog"), partimage);
  }));

/** Its first partition, as a file. */
function partOf(disk: string, [first]: readonly Part[]): string {
  const { start, size } = first as Part;
  const path = `${disk}.first`;
  copyPart(disk, { start, size }, path);
  return path;
}

const split = (compression: string) => ({ compression, pieceBytes: 64 * 1024 });
const single = (compression: string) => ({ compression, pieceBytes: Number.POSITIVE_INFINITY });

function lastPiece(folder: string, prefix: string): string {
  const last = readdirSync(folder)
    .filter((name) => name.startsWith(prefix))
    .sort()
    .at(-1);
  return join(folder, last ?? "");
}

/** A bit of the middle byte, or of the one at `place` from the end. */
function flip(path: string, place = 0): void {
  const data = readFileSync(path);
  const byte = place < 0 ? data.length + place : Math.floor(data.length / 2);
  data[byte] = (data[byte] as number) ^ 1;
  writeFileSync(path, data);
}
