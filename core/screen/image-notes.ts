/** What staff wrote on an image, where somebody is about to choose it. */
import { imageName } from "../image/manifest.ts";
import { firstImageNote } from "../wire/image-notes.ts";
import type { ImageView } from "../wire/views.ts";
import { english, type ScreenSpeech } from "../words/english.ts";

/** The first line of the notes, as a line of its own; none where there are no notes. */
export function notesLines(
  image: Pick<ImageView, "name" | "version" | "fitSize" | "notes">,
  { t }: ScreenSpeech = english,
): string[] {
  const { notes } = image;
  if (notes === "") return [];
  const first = firstImageNote(notes);
  const text = first === notes ? first : `${first} …`;
  return [t("image.noted", { image: imageName(image), notes: text })];
}
