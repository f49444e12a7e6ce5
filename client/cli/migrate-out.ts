/** `roomcast migrate --out`: all images of a campus come to this server, so that it can stand alone. */
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { RoomcastError } from "../../core/errors.ts";
import { imageName } from "../../core/image/manifest.ts";
import { sizeText } from "../../core/screen/format.ts";
import { chunkBytes } from "../../core/units/units.ts";
import type { StatusView } from "../../core/wire/api.ts";
import type { ImageView } from "../../core/wire/views.ts";
import type { CliContext } from "./context.ts";
import { migrateHere } from "./host.ts";
import { fetching } from "./image-fetch.ts";
import { imagePath, workEnded } from "./image-work.ts";
import { progressLines } from "./progress.ts";

export async function migrateOut(
  context: CliContext,
  { config, dryRun = false }: { readonly config: string; readonly dryRun?: boolean },
): Promise<number> {
  const { client, say, document } = context;
  const status = await client.get<StatusView>("/status");
  if (status.campus === null) {
    const next = "name the server's data folder with --data, or start the server with its campus";
    throw new RoomcastError("conflict", "this server belongs to no campus", next);
  }
  const path = resolve(config);
  const all = await client.get<ImageView[]>("/images");
  const lacking = all.filter(({ here }) => !here);
  const bytes = sumOf(lacking);
  await requireRoom(sumOf(all), bytes, { path, freeBytes: status.freeBytes });
  say(`${lacking.length} of ${all.length} images are not here: ${sizeText(bytes)} to fetch.`);
  for (const image of lacking) say(`  ${imageName(image)}`);
  if (dryRun) {
    document({ dryRun, images: all.length, fetched: 0, bytes, verified: 0 });
    say("Nothing was done (--dry-run).");
    return 0;
  }
  for (const image of lacking) {
    const ordered = await client.post<ImageView>(`${imagePath(image.id)}/fetch`);
    await workEnded(context, ordered, fetching);
    say(`${imageName(image)} is here`);
  }
  const damaged: string[] = [];
  {
    using progress = progressLines(context, "verifying", "start it again: what is here stays here");
    for (const image of all) {
      const report = await client.follow<VerifyAnswer>(`${imagePath(image.id)}/verify`, {
        signal: progress.signal,
        onProgress: (done, total) => progress.show(done * chunkBytes, total * chunkBytes),
      });
      // What the storage lacks is no matter to a server that leaves.
      if (report.damaged.some(({ chunkIndex, pack }) => chunkIndex !== null || pack === null))
        damaged.push(imageName(image));
    }
  }
  const gone = (await client.get<ImageView[]>("/images")).filter(({ here }) => !here);
  const isWhole = damaged.length === 0 && gone.length === 0;
  const figures = { dryRun, images: all.length, fetched: lacking.length, bytes };
  document({ ...figures, verified: all.length - damaged.length, damaged });
  for (const name of damaged)
    say(`${name} is DAMAGED here: \`roomcast image verify ${name}\` says more`);
  for (const image of gone) say(`${imageName(image)} is not here`);
  if (!isWhole) return 5;
  say(`All ${all.length} images are here, and every chunk matches its hash.`);
  say(`Take this out of ${path}: ${await partsIn(path)}.`);
  say("Restart the server: systemctl restart roomcast. The campus keeps what it has.");
  return 0;
}

interface VerifyAnswer {
  readonly damaged: readonly { readonly chunkIndex: number | null; readonly pack: string | null }[];
}

const sumOf = (images: readonly ImageView[]): number =>
  images.reduce((sum, { storedBytes }) => sum + storedBytes, 0);

/** So that no image goes from here while another one comes. */
async function requireRoom(
  total: number,
  lacking: number,
  { path, freeBytes }: { readonly path: string; readonly freeBytes: number },
): Promise<void> {
  const { readConfig, campusOf } = await migrateHere();
  const cache = campusOf(await readConfig(path))?.cacheBytes ?? null;
  if (cache !== null && cache < total) {
    throw new RoomcastError(
      "conflict",
      `all images take ${sizeText(total)}, and [store] cache in ${path} lets ${sizeText(cache)} of them be here`,
      "take `cache` out, restart the server, and start this again",
    );
  }
  if (freeBytes >= lacking) return;
  const what = `${sizeText(lacking)} are to come, and ${sizeText(freeBytes)} are free`;
  throw new RoomcastError("no-space", what, "delete images, or give the data folder a larger disk");
}

async function partsIn(path: string): Promise<string> {
  const { decodeConfig } = await migrateHere();
  const { store } = decodeConfig(await readFile(path, "utf8"), path);
  const own = (["cache", "seal"] as const).filter((key) => store?.[key] !== undefined);
  return ["[state]", "[store.s3]", ...own.map((key) => `[store] ${key}`)].join(", ");
}
