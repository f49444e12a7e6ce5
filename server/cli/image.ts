import type { Command } from "commander";
import { sizeText } from "../../core/screen/format.ts";
import type { ImageView } from "../../core/wire/views.ts";
import type { RunCommand } from "./program.ts";
import { table } from "./table.ts";

const path = (reference: string): string => `/images/${encodeURIComponent(reference)}`;

export function addImageCommands(program: Command, run: RunCommand): void {
  const image = program
    .command("image")
    .description("the images; I is NAME (its newest version), NAME@VERSION, or an id");

  image.command("list").action(() =>
    run(async ({ client, say, document }) => {
      const images = await client.get<ImageView[]>("/images");
      document(images);
      say(
        table(
          ["IMAGE", "CAPTURED", "DISK", "USED", "STORED", "SOURCE"],
          images.map((each) => [
            `${each.name}@${each.version}`,
            each.capturedAt,
            sizeText(each.diskBytes),
            sizeText(each.usedBytes),
            sizeText(each.storedBytes),
            each.source,
          ]),
        ),
      );
      return 0;
    }),
  );

  image.command("show <I>").action((reference: string) =>
    run(async ({ client, say, document }) => {
      const found = await client.get<ImageView>(path(reference));
      document(found);
      say(`${found.name}@${found.version} (${found.id}) of ${found.source}, ${found.capturedAt}`);
      say(
        `disk ${sizeText(found.diskBytes)}, ${found.partitionTable}, sectors of ${found.logicalSector}; ` +
          `used ${sizeText(found.usedBytes)}, stored ${sizeText(found.storedBytes)}, ${found.chunks} chunks`,
      );
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
      for (const warning of found.warnings) say(`warning: ${warning}`);
      return 0;
    }),
  );

  image.command("verify <I>").action((reference: string) =>
    run(async ({ client, say, document }) => {
      const report = await client.post<{
        image: string;
        ok: boolean;
        damaged: { chunkIndex: number; reason: string }[];
      }>(`${path(reference)}/verify`);
      document(report);
      for (const { chunkIndex, reason } of report.damaged) {
        say(`${report.image}: chunk ${chunkIndex}: ${reason}`);
      }
      say(`${report.image}: ${report.ok ? "every chunk matches its hash" : "DAMAGED"}`);
      return report.ok ? 0 : 5;
    }),
  );

  image.command("delete <I>").action((reference: string) =>
    run(async ({ client, say, document, confirm }) => {
      const found = await client.get<ImageView>(path(reference));
      const word = `${found.name}@${found.version}`;
      await confirm([`The image ${word} (${sizeText(found.storedBytes)}) will be deleted.`], word);
      const freed = await client.delete<{ freedBytes: number }>(
        `${path(found.id)}?overwrite=${encodeURIComponent(word)}`,
      );
      document({ image: word, ...freed });
      say(`${word} deleted, ${sizeText(freed.freedBytes)} freed`);
      return 0;
    }),
  );
}
