/** Which image a name means, in which order images are shown, and what is wrong with a name. */
import { imageName } from "../../core/image/manifest.ts";
import type { Manifest } from "../../core/image/types.ts";
import { foldedName, imageNameRule, nameFault, suggestedName } from "../../core/wire/names.ts";

/** By name, then by version; an image is followed by its fitted versions, the largest first. */
export const inOrder = (images: Iterable<Manifest>): Manifest[] =>
  [...images].sort((one, other) => {
    const [first, second] = [foldedName(one.name), foldedName(other.name)];
    if (first !== second) return first < second ? -1 : 1;
    const isFitted = ({ fitOf }: Manifest): number => Number(fitOf !== undefined);
    return (
      one.version - other.version ||
      isFitted(one) - isFitted(other) ||
      other.diskBytes - one.diskBytes
    );
  });

/** Of images in their order. The newest of a name is never a fitted one. */
export function imageIn(images: readonly Manifest[], reference: string): Manifest | undefined {
  const byName = (spelled: (name: string) => string): Manifest | undefined =>
    images.findLast(
      ({ name, fitOf }) => fitOf === undefined && spelled(name) === spelled(reference),
    ) ?? images.find((image) => spelled(imageName(image)) === spelled(reference));
  // As it is spelled first: a store may have two from before capital letters made no difference.
  return byName((name) => name) ?? byName(foldedName);
}

export const fittedOf = (images: Iterable<Manifest>, originId: string): Manifest[] =>
  [...images].filter(({ fitOf }) => fitOf === originId);

/** Earlier servers let names in that are none now. The image is as good as any: only its name is not. */
export function oddNameWarnings({ id, name }: Manifest): string[] {
  const fault = nameFault(imageNameRule, name);
  if (fault === null) return [];
  const better = suggestedName(imageNameRule, name) ?? "NAME";
  return [
    `image ${id}: ${fault.what}. Rename it: \`roomcast image export ${id} ${better}.zst\`, ` +
      `\`roomcast image import ${better}.zst ${better}\`, then delete it: \`roomcast image delete ${id}\``,
  ];
}
