/** What should be looked after of a campus, in words. */
import { imageName } from "../../core/image/manifest.ts";
import type { Manifest } from "../../core/image/types.ts";
import type { Registry } from "./ports.ts";
import type { Standing } from "./standing.ts";

export interface CampusTroubles {
  readonly registry: Pick<Registry, "away">;
  readonly standing: Pick<Standing, "goesAt">;
  /** Of the folder. */
  readonly images: readonly Manifest[];
  /** Why what follows from a change could not be heard or done; null: it was. */
  readonly trouble: string | null;
  readonly sweepTrouble: string | null;
}

/** In the order of their weight. */
export function campusWarnings(troubles: CampusTroubles): string[] {
  const { registry, standing, images, trouble, sweepTrouble } = troubles;
  const away = registry.away();
  const texts: string[] = [];
  if (away !== null)
    texts.push(
      `the campus's database has not answered since ${away.since}: ${away.reason}; this server goes on with what it knows`,
    );
  else if (trouble !== null)
    texts.push(`something went wrong with the campus's images: ${trouble}`);
  if (sweepTrouble !== null) texts.push(`the campus's storage could not be swept: ${sweepTrouble}`);
  for (const image of images) {
    const goesAt = standing.goesAt(image);
    if (goesAt === null) continue;
    const until = new Date(goesAt).toISOString();
    texts.push(
      `the campus does not have ${imageName(image)} any more: it goes from this server at ${until}`,
    );
  }
  return texts;
}
