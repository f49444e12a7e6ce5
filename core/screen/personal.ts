/** What happens on each PC once its disk is verified, for whoever is about to type a word for it. */
import type { ImageView } from "../wire/views.ts";
import { english, type ScreenSpeech } from "../words/english.ts";

/** With an image whose PCs become themselves. Null: the image is not there yet, as of a live cast. */
export const personalLines = (
  image: Pick<ImageView, "steps"> | null,
  speech: ScreenSpeech = english,
): string[] => [speech.t("own.given"), ...stepLines(image?.steps ?? [], speech)];

const stepLines = (steps: ImageView["steps"], { t, size }: ScreenSpeech): string[] =>
  steps.length === 0
    ? []
    : [
        t("own.steps"),
        ...steps.map(
          ({ name, bytes, by, addedAt }) =>
            `  ${t("own.step", { name, size: size(bytes), by, at: addedAt })}`,
        ),
      ];
