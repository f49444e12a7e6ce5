/** What happens on each PC once its disk is verified, for whoever is about to type a word for it. */
import type { ImageView } from "../wire/views.ts";
import { sizeText } from "./format.ts";

/** With an image whose PCs become themselves. Null: the image is not there yet, as of a live cast. */
export const personalLines = (image: Pick<ImageView, "steps"> | null): string[] => [
  "Verified PCs are given their own names, addresses and keys.",
  ...stepLines(image?.steps ?? []),
];

const stepLines = (steps: ImageView["steps"]): string[] =>
  steps.length === 0
    ? []
    : [
        "After that these scripts of the image run on each PC, with the restored system's root mounted:",
        ...steps.map(
          ({ name, bytes, by, addedAt }) =>
            `  ${name}, ${sizeText(bytes)}, added by ${by} ${addedAt}`,
        ),
      ];
