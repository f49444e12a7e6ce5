import { resolve } from "node:path";
import type { Command } from "commander";
import { RoomcastError } from "../../core/errors.ts";
import { imageName } from "../../core/image/manifest.ts";
import { placeText } from "../../core/screen/fetch.ts";
import { sizeText } from "../../core/screen/format.ts";
import { deletedLines } from "../../core/screen/losses.ts";
import { optimiseStateText } from "../../core/screen/optimise.ts";
import { table } from "../../core/screen/table.ts";
import { chunkBytes } from "../../core/units/units.ts";
import type { StatusView } from "../../core/wire/api.ts";
import { type DiskSize, decodeDiskSize } from "../../core/wire/fit-size.ts";
import { imageNameRule, requireName } from "../../core/wire/names.ts";
import type { ImageView } from "../../core/wire/views.ts";
import type { CliContext, RunCommand } from "./context.ts";
import { sayLost, withDryRun } from "./dry-run.ts";
import { addFetchCommand } from "./image-fetch.ts";
import { addNoteCommand } from "./image-note.ts";
import { addOptimiseCommand } from "./image-optimise.ts";
import { addStepCommands } from "./image-step.ts";
import { imagePath } from "./image-work.ts";
import { progressLines } from "./progress.ts";

export function addImageCommands(program: Command, run: RunCommand): void {
  const image = program
    .command("image")
    .description("manages images; I is NAME (its newest version), NAME@VERSION or an id");

  image
    .command("list")
    .description("lists the images and the space they take")
    .action(() =>
      run(async ({ client, say, document }) => {
        const images = await client.get<ImageView[]>("/images");
        document(images);
        const { storedBytes, freeBytes } = await client.get<StatusView>("/status");
        // Of a server that belongs to no campus all images are here.
        const isCampus = images.some(({ here, server }) => !here || server !== null);
        const place = (each: ImageView): string[] => (isCampus ? [placeText(each)] : []);
        say(
          table(
            [
              ...["IMAGE", "CAPTURED", "DISK", "USED", "STORED"],
              ...(isCampus ? ["HERE"] : []),
              ...["OPTIMISED", "SOURCE"],
            ],
            images.map((each) => [
              imageName(each),
              each.capturedAt,
              sizeText(each.diskBytes),
              sizeText(each.usedBytes),
              sizeText(each.storedBytes),
              ...place(each),
              optimiseStateText(each.optimise),
              each.source,
            ]),
          ),
        );
        say(`the store holds ${sizeText(storedBytes)}, ${sizeText(freeBytes)} are free`);
        return 0;
      }),
    );

  image
    .command("show <I>")
    .description("shows an image, its partitions, its notes and its warnings")
    .action((reference: string) =>
      run(async ({ client, say, document }) => {
        const found = await client.get<ImageView>(imagePath(reference));
        document(found);
        say(`${imageName(found)} (${found.id}) of ${found.source}, ${found.capturedAt}`);
        say(
          `disk ${sizeText(found.diskBytes)}, ${found.partitionTable}, sectors of ${found.logicalSector}; ` +
            `used ${sizeText(found.usedBytes)}, stored ${sizeText(found.storedBytes)}, ${found.chunks} chunks`,
        );
        if (!found.here || found.server !== null) say(`on this server: ${placeText(found)}`);
        say(
          table(
            ["PARTITION", "FS", "LABEL", "START", "SIZE", "USED", "TAKEN"],
            found.partitions.map((each) => [
              String(each.index),
              each.fs ?? "",
              each.label ?? "",
              String(each.start),
              sizeText(each.size),
              sizeText(each.usedBytes),
              each.mode,
            ]),
          ),
        );
        if (found.notes !== "") for (const note of found.notes.split("\n")) say(`notes: ${note}`);
        for (const warning of found.warnings) say(`warning: ${warning}`);
        for (const { name, bytes, by } of found.steps)
          say(`step: ${name}, ${sizeText(bytes)}, added by ${by}`);
        return 0;
      }),
    );

  image
    .command("verify [I]")
    .description("hashes every chunk of an image again, or of all images")
    .option(
      "--repair",
      "of a campus: put into its storage again what that has lost, as far as it is on this server",
      false,
    )
    .action((reference: string | undefined, { repair }: { readonly repair: boolean }) =>
      run((context) => verify(context, reference, repair)),
    );

  image
    .command("import <FILE> <NAME>")
    .description(
      "captures a disk image, a folder of one, or a device of this machine as a new version of NAME",
    )
    .option(
      "--raw",
      "take every byte, used or not; also accepts a file that is cut short; zeros fill its last sector",
    )
    .option("--disk <DISK>", "which disk of a folder that holds several: sda, or d1")
    .option("--without <N...>", "leave these partitions empty, because the folder lacks them")
    .option(
      "--disk-size <SIZE>",
      "how large the disk of a folder is that does not say it: 500107862016",
    )
    .action((file: string, name: string, options: ImportFlags) =>
      run((context) => importFile(context, file, name, options)),
    );

  image
    .command("export <I> <FILE>")
    .description(
      "writes the image to a file or onto a disk; the file's ending says how: .gz .zst .lz4 .xz .lzo .qcow2 .vhdx .vmdk .vhd .vdi, else raw",
    )
    .action((reference: string, file: string) =>
      run((context) => exportFile(context, reference, file)),
    );

  addNoteCommand(image, run);
  addStepCommands(image, run);
  addOptimiseCommand(image, run);
  addFetchCommand(image, run);

  image
    .command("fit <I>")
    .description(
      "makes a version of the image, NAME@VERSION-fit-SIZE, for smaller disks: partitions and file systems shrink, the image stays as it is",
    )
    .requiredOption("--disk-size <SIZE>", "of the smaller disks: 240GB, 223GiB or 240057409536")
    .action((reference: string, { diskSize }: { readonly diskSize: string }) =>
      run((context) => fitImageTo(context, reference, diskSizeOf(diskSize))),
    );

  withDryRun(
    image
      .command("delete <I>")
      .description(
        "deletes a version, with what was fitted of it, and frees what no other image needs",
      ),
  ).action((reference: string, { dryRun = false }: { dryRun?: boolean }) =>
    run(async (context) => {
      const { client, say, document, confirm } = context;
      const found = await client.get<ImageView>(imagePath(reference));
      const word = imageName(found);
      const lost = deletedLines(found, await client.get<ImageView[]>("/images"));
      if (dryRun) return sayLost(context, lost);
      await confirm(lost, word);
      const freed = await client.delete<{ freedBytes: number }>(
        `${imagePath(found.id)}?overwrite=${encodeURIComponent(word)}`,
      );
      document({ image: word, ...freed });
      say(`${word} deleted, ${sizeText(freed.freedBytes)} freed`);
      return 0;
    }),
  );
}

interface ImportFlags {
  readonly raw?: boolean;
  readonly disk?: string;
  readonly without?: readonly string[];
  readonly diskSize?: string;
}

function diskSizeOf(text: string): DiskSize {
  const decoded = decodeDiskSize(text);
  if (decoded.ok) return decoded.value;
  throw new RoomcastError("usage", decoded.reason, "500107862016, 500GB or 465GiB, for instance");
}

function partitionNumber(text: string): number {
  if (/^[1-9]\d{0,3}$/.test(text)) return Number(text);
  throw new RoomcastError(
    "usage",
    `${JSON.stringify(text)} is not the number of a partition`,
    "give a number, like 1",
  );
}

async function importFile(
  context: CliContext,
  file: string,
  name: string,
  options: ImportFlags,
): Promise<number> {
  const { client, say, document } = context;
  requireName(imageNameRule, name);
  using progress = progressLines(context, "importing");
  const { importImage } = await import("../transfer/import.ts");
  const committed = await importImage({
    client,
    path: resolve(file),
    name,
    raw: options.raw ?? false,
    disk: options.disk ?? null,
    without: (options.without ?? []).map(partitionNumber),
    diskSize: options.diskSize === undefined ? null : diskSizeOf(options.diskSize).bytes,
    signal: progress.signal,
    progress: progress.show,
    log: progress.note,
  });
  progress.end();
  const found = await client.get<ImageView>(imagePath(committed.imageId));
  document(found);
  say(
    `${imageName(found)}: disk ${sizeText(found.diskBytes)}, ${sizeText(found.usedBytes)} used, ` +
      `${sizeText(found.storedBytes)} stored`,
  );
  return 0;
}

async function exportFile(context: CliContext, reference: string, file: string): Promise<number> {
  const { client, say, document, confirm } = context;
  using progress = progressLines(context, "exporting");
  const { exportImage } = await import("../transfer/export.ts");
  const exported = await exportImage({
    client,
    image: reference,
    path: resolve(file),
    signal: progress.signal,
    confirm,
    progress: progress.show,
    log: progress.note,
  });
  progress.end();
  document(exported);
  say(`${exported.image}: disk of ${sizeText(exported.diskBytes)} written to ${exported.path}`);
  return 0;
}

async function fitImageTo(context: CliContext, reference: string, size: DiskSize): Promise<number> {
  const { client, workFolder, say, document } = context;
  requireRoot(reference, size);
  using progress = progressLines(context, "reading");
  const { fitImage, giveWay } = await import("../transfer/fit-image.ts");
  giveWay();
  const { image, origin, sharedBytes, chunkedBytes } = await fitImage({
    ...{ client, workFolder, size, image: reference },
    signal: progress.signal,
    begin: progress.begin,
    progress: progress.show,
    log: progress.note,
  });
  progress.end();
  document({ ...image, sharedBytes });
  say(
    `${imageName(image)}: disk ${sizeText(image.diskBytes)}, ${sizeText(image.usedBytes)} used; ` +
      `${sizeText(sharedBytes)} of ${sizeText(chunkedBytes)} are shared with ${origin}`,
  );
  return 0;
}

/** Also said by a server that runs as a user of its own, when a restore needs it. */
function requireRoot(reference: string, { text }: DiskSize): void {
  if (process.getuid?.() === 0) return;
  throw new RoomcastError(
    "refused",
    "to make an image fit a smaller disk, its file systems are mounted, which root alone may do",
    `run \`roomcast image fit ${reference} --disk-size ${text}\` as root on the server, then restore again (docs/install.md says how the service may do it by itself)`,
  );
}

interface VerifyAnswer {
  readonly image: string | null;
  readonly ok: boolean;
  readonly problems?: readonly string[];
  readonly damaged: readonly {
    readonly image: string;
    readonly chunkIndex: number | null;
    readonly reason: string;
    readonly pack: string | null;
    readonly images: readonly string[];
  }[];
  readonly repaired?: readonly string[];
}

async function verify(
  context: CliContext,
  reference: string | undefined,
  repair: boolean,
): Promise<number> {
  const { client, say, document } = context;
  using progress = progressLines(context, "verifying");
  const path = reference === undefined ? "/store/verify" : `${imagePath(reference)}/verify`;
  const report = await client.follow<VerifyAnswer>(repair ? `${path}?repair=true` : path, {
    signal: progress.signal,
    onProgress: (done, total) => progress.show(done * chunkBytes, total * chunkBytes),
  });
  progress.end();
  const problems = report.problems ?? [];
  const isOk = report.ok && problems.length === 0;
  document({ ...report, ok: isOk });
  for (const problem of problems) say(problem);
  for (const object of report.repaired ?? [])
    say(`${object}: the storage had lost it; what it held was put there again`);
  for (const { image, chunkIndex, reason, pack, images } of report.damaged) {
    if (chunkIndex === null) say(reason);
    else {
      const where = pack === null ? "" : ` (${pack})`;
      say(`${image}: chunk ${chunkIndex}${where}: ${reason}; needed by ${images.join(", ")}`);
    }
  }
  const what = report.image ?? "all images";
  say(`${what}: ${isOk ? "every chunk matches its hash" : "DAMAGED"}`);
  if (report.damaged.some(({ chunkIndex }) => chunkIndex !== null)) {
    say("the next capture or import of a disk that has a damaged chunk stores it again");
  }
  return isOk ? 0 : 5;
}
