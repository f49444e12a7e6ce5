import { basename } from "node:path";
import type { Command } from "commander";
import { sizeText } from "../../core/screen/format.ts";
import { table } from "../../core/screen/table.ts";
import { requireName, stepNameRule } from "../../core/wire/names.ts";
import type { ImageView } from "../../core/wire/views.ts";
import type { RunCommand } from "./context.ts";
import { imagePath } from "./image-work.ts";
import { utf8Of } from "./room-list.ts";

/** `image step …`: scripts that are stored with a version of an image. */
export function addStepCommands(image: Command, run: RunCommand): void {
  const step = image
    .command("step")
    .description("manages scripts that run on each PC after an image was restored and verified");

  step
    .command("add <I> <FILE>")
    .description(
      "stores a script with an image; it is named as the file is, and runs after those before it",
    )
    .action((reference: string, file: string) =>
      run(async ({ client, say, document }) => {
        const name = basename(file);
        requireName(stepNameRule, name);
        const script = await utf8Of(file);
        const found = await client.post<ImageView>(`${imagePath(reference)}/steps`, {
          name,
          script,
        });
        document(found.steps);
        say(`${name} is step ${found.steps.length} of ${found.name}@${found.version}`);
        return 0;
      }),
    );

  step
    .command("list <I>")
    .description("lists the scripts of an image, in the order in which they run")
    .action((reference: string) =>
      run(async ({ client, say, document }) => {
        const { steps } = await client.get<ImageView>(imagePath(reference));
        document(steps);
        const rows = steps.map(({ name, bytes, by, addedAt }) => [
          ...[name, sizeText(bytes), by, addedAt],
        ]);
        say(table(["STEP", "SIZE", "BY", "ADDED"], rows));
        return 0;
      }),
    );

  step
    .command("remove <I> <STEP>")
    .description("removes a script of an image")
    .action((reference: string, name: string) =>
      run(async ({ client, document }) => {
        const step = encodeURIComponent(name);
        const found = await client.delete<ImageView>(`${imagePath(reference)}/steps/${step}`);
        document(found.steps);
        return 0;
      }),
    );
}
