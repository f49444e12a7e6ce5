import type { Command } from "commander";
import { imageName } from "../../core/image/manifest.ts";
import type { ImageView } from "../../core/wire/views.ts";
import type { RunCommand } from "./context.ts";
import { imagePath } from "./image-work.ts";

/** `image note`: what staff tell each other of an image. */
export function addNoteCommand(image: Command, run: RunCommand): void {
  image
    .command("note <I> [TEXT]")
    .description(
      "writes notes on an image, which are shown wherever it is chosen, in place of those before; an empty TEXT removes them; without TEXT it prints them",
    )
    .action((reference: string, text: string | undefined) =>
      run(async ({ client, say, document }) => {
        const path = imagePath(reference);
        const found =
          text === undefined
            ? await client.get<ImageView>(path)
            : await client.patch<ImageView>(path, { notes: text });
        const { notes } = found;
        const name = imageName(found);
        document({ image: name, notes });
        if (notes === "") say(`${name} has no notes`);
        else say(text === undefined ? notes : `${name}: the notes are written`);
        return 0;
      }),
    );
}
