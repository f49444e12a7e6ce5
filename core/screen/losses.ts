/** What goes with a thing that is deleted, a line for each, for whoever is about to have it deleted. */
import { imageName } from "../image/manifest.ts";
import type { ImageView } from "../wire/views.ts";
import { english, type ScreenSpeech } from "../words/english.ts";

/** Of PCs that are forgotten, and what is left of them. */
export const forgottenLines = ({ t }: ScreenSpeech = english): string[] => [
  t("lost.pc"),
  t("lost.notHistory"),
];

/** Of an image, with those of `all` that were fitted of it. The own steps of a fitted version are its origin's, and stay. */
export const deletedLines = (
  image: ImageView,
  all: readonly ImageView[],
  { t, size }: ScreenSpeech = english,
): string[] => [
  ...[image, ...all.filter(({ fitOf }) => fitOf === image.id)].map((each) =>
    t("lost.image", { image: imageName(each), size: size(each.storedBytes) }),
  ),
  ...(image.fitOf === null ? image.steps : []).map(({ name }) => t("lost.step", { name })),
];
