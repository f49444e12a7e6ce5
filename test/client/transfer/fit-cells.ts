/**
 * A disk of a layout as an image in a store, made to fit smaller targets as `roomcast image fit` does it, and
 * restored to them and to larger ones by the agent's own code, over random bytes; and what has to be right
 * about the disks then.
 */
import assert from "node:assert/strict";
import { readdirSync, rmSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { type Fitted, fitImage } from "../../../client/transfer/fit-image.ts";
import { imageName } from "../../../core/image/manifest.ts";
import { decodeDiskSize } from "../../../core/wire/fit-size.ts";
import type { ImageView, StepView } from "../../../core/wire/views.ts";
import { lookAt, mib, tool } from "../../imaging/capture/disks.ts";
import type { OrdinaryLayout } from "../../imaging/fit/layouts.ts";
import {
  type DiskMaker,
  type Entry,
  openDiskMaker,
  tableOf,
} from "../../imaging/fit/made-disks.ts";
import { randomDisk, restoreTo } from "../../imaging/restore/restored.ts";
import { openTransfers, type Transfers } from "./open-transfers.ts";

type Sizes = Pick<ImageView, "diskBytes" | "leastDiskBytes">;
const inSectors = (bytes: number): number => Math.floor(bytes / 512) * 512;

/** Bytes of the disk that the image is to be fitted to; the least is known once it was fitted to any. */
export const targets = {
  "−1 sector": ({ diskBytes }: Sizes) => diskBytes - 512,
  "−1 MiB": ({ diskBytes }: Sizes) => diskBytes - mib,
  "−10 %": ({ diskBytes }: Sizes) => inSectors(diskBytes * 0.9),
  "the least": ({ leastDiskBytes }: Sizes) => leastDiskBytes ?? 0,
  "below the least": ({ leastDiskBytes }: Sizes) => (leastDiskBytes ?? 0) - 512,
  // No multiple of a MiB.
  "×1.5": ({ diskBytes }: Sizes) => inSectors(diskBytes * 1.5) + 512,
  "×4": ({ diskBytes }: Sizes) => diskBytes * 4 + 512,
} as const;

export type Target = keyof typeof targets;

export interface Cell {
  readonly bytes: number;
  /** Of the fitted version's chunks, what is the origin's, from 0 to 1; null where none was made. */
  readonly sharedPart: number | null;
  /** What became of it, in words. */
  readonly said: string;
}

export interface FitCells extends AsyncDisposable {
  readonly at: Transfers;
  readonly maker: DiskMaker;
  /** Its work folder is empty afterwards, whatever becomes of it. */
  fit(image: string, bytes: number): Promise<Fitted>;
  show(reference: string): Promise<ImageView>;
  /** A disk file of `bytes`, full of random bytes, that the agent restores the image to. */
  restored(image: ImageView, bytes: number): Promise<{ disk: string; steps: readonly StepView[] }>;
  /** Makes the layout's disk and its image. */
  master(layout: OrdinaryLayout): Promise<FitMaster>;
}

export interface FitMaster extends Disposable {
  readonly origin: ImageView;
  /** Rejects when something is not right. */
  try(target: Target): Promise<Cell>;
}

export async function openFitCells(name: string): Promise<FitCells> {
  const maker = openDiskMaker(name);
  const at = await openTransfers();
  const show = (reference: string): Promise<ImageView> =>
    at.client.get<ImageView>(`/images/${encodeURIComponent(reference)}`);
  const cells: FitCells = {
    ...{ at, maker, show },
    async fit(image, bytes) {
      const size = decodeDiskSize(String(bytes));
      assert(size.ok);
      const workFolder = join(maker.folder, "fitting");
      const { signal } = new AbortController();
      const quiet = { begin() {}, progress() {}, log() {} };
      const work = fitImage({
        client: at.client,
        image,
        workFolder,
        signal,
        size: size.value,
        ...quiet,
      });
      return work.finally(() => assert.deepEqual(readdirSync(workFolder), [], "nothing is left"));
    },
    async restored(image, bytes) {
      const disk = join(maker.folder, "to");
      // What is behind is a hole: of that nothing is used before it is written.
      randomDisk(disk, Math.min(bytes, Math.floor(image.diskBytes * 1.5)));
      truncateSync(disk, bytes);
      const manifest = at.images.find(image.id);
      assert(manifest !== undefined);
      const end = await restoreTo(disk, manifest, at.images);
      assert.equal(end.outcome, "verified", `${end.reason} ${JSON.stringify(end.steps)}`);
      return { disk, steps: end.steps ?? [] };
    },
    async master(layout) {
      const from = maker.disk(layout);
      const origin = await at.import(from, layout.name);
      assert.equal(origin.leastDiskBytes, null);
      const master = { cells, layout, from, origin };
      return {
        origin,
        async try(target) {
          const bytes = targets[target](await show(origin.id));
          if (target === "below the least") return await refused(master, bytes);
          return bytes < origin.diskBytes
            ? await shrunk(master, bytes)
            : await grown(master, bytes);
        },
        [Symbol.dispose]: () => rmSync(from),
      };
    },
    async [Symbol.asyncDispose]() {
      await at.close();
      maker[Symbol.dispose]();
    },
  };
  return cells;
}

interface Master {
  readonly cells: FitCells;
  readonly layout: OrdinaryLayout;
  /** The disk's file. */
  readonly from: string;
  readonly origin: ImageView;
}

async function shrunk({ cells, layout, from, origin }: Master, bytes: number): Promise<Cell> {
  const { at, fit, show, restored } = cells;
  const { image, sharedBytes, chunkedBytes } = await fit(layout.name, bytes);
  assert.equal(imageName(image), `${layout.name}@1-fit-${bytes}`);
  assert.deepEqual([image.diskBytes, image.fitOf], [bytes, origin.id]);
  const least = (await show(origin.id)).leastDiskBytes ?? 0;
  assert(least > 0 && least <= bytes, `${least}`);
  const bare = ({ start, size, usedBytes, ...rest }: ImageView["partitions"][number]) => rest;
  assert.deepEqual(image.partitions.map(bare), origin.partitions.map(bare));
  const { signal } = new AbortController();
  assert((await at.images.verify(image.id, { signal, onProgress() {} })).ok);
  const { disk } = await restored(image, bytes);
  const changed = requireSound(cells, { layout, from, to: disk });
  for (const [entry, before] of changed.filter(([{ index }]) => layout.fs[index] === "ntfs")) {
    const asked = lookAt(disk, entry.start, entry.size, isToBeChecked);
    assert.equal(asked, entry.size !== before.size, "Windows checks what has shrunk");
  }
  rmSync(disk);
  return { bytes, sharedPart: sharedBytes / chunkedBytes, said: changesIn(changed) };
}

function changesIn(changed: readonly (readonly [is: Entry, was: Entry])[]): string {
  const those = (rule: (is: Entry, was: Entry) => boolean, what: string): string[] => {
    const found = changed.filter(([is, was]) => rule(is, was)).map(([{ index }]) => index);
    return found.length === 0 ? [] : [`${listed(found)} ${what}`];
  };
  const said = [
    ...those((is, was) => is.size < was.size, "smaller"),
    ...those((is, was) => is.start !== was.start, "moved"),
  ];
  return said.length === 0 ? "only the table" : said.join("; ");
}

async function grown({ cells, layout, from, origin }: Master, bytes: number): Promise<Cell> {
  const { disk, steps } = await cells.restored(origin, bytes);
  const { grows, moves, fs } = layout;
  const told = JSON.stringify(steps);
  const inside = fs[grows ?? 0] === "LVM2_member" ? "volumes" : "file system";
  const expected =
    grows === null
      ? ["growth: left"]
      : [
          ...moves.map((index) => `move of partition ${index}: done`),
          `growth of partition ${grows}: done`,
          `${inside} of partition ${grows}: done`,
        ];
  const names = steps.map(({ name, result }) => `${name}: ${result}`);
  assert.deepEqual(names, ["partition table: done", ...expected], told);
  for (const [entry, before] of requireSound(cells, { layout, from, to: disk })) {
    if (entry.index === grows) {
      const room = bytes - origin.diskBytes - 2 * mib;
      assert(entry.size - before.size > room, `${entry.size} ${before.size}`);
    } else if (!isExtended(entry)) assert.equal(entry.size, before.size);
  }
  rmSync(disk);
  const said = grows === null ? steps.at(-1)?.detail : `${listed([grows])} larger`;
  return { bytes, sharedPart: null, said: said ?? "" };
}

async function refused({ cells, layout }: Master, bytes: number): Promise<Cell> {
  const before = cells.at.images.list().length;
  const outcome = await cells.fit(layout.name, bytes).catch((error: Error) => error);
  assert(outcome instanceof Error && "code" in outcome, "it was made to fit less than the least");
  assert.equal(outcome.code, "refused", outcome.message);
  const told = new RegExp(`the smallest this image can be is .*, ${bytes + 512} bytes`);
  assert.match(outcome.message, told);
  assert.equal(cells.at.images.list().length, before);
  return { bytes, sharedPart: null, said: `refused: ${outcome.message}` };
}

const listed = (indexes: readonly number[]): string => `partition ${indexes.join(", ")}`;
const isExtended = ({ type }: Entry): boolean => ["5", "f"].includes(type);

/** Identities, the place of each partition, and what is in it. Answers each with what it was. */
function requireSound(
  { maker }: FitCells,
  { layout, from, to }: { layout: OrdinaryLayout; from: string; to: string },
): (readonly [is: Entry, was: Entry])[] {
  const [was, is] = [tableOf(from), tableOf(to)];
  assert.equal(is.id, was.id);
  const identity = ({ start, size, ...rest }: Entry) => rest;
  assert.deepEqual(is.entries.map(identity), was.entries.map(identity));
  let end = 0;
  for (const entry of is.entries.toSorted((a, b) => a.start - b.start)) {
    assert(entry.start >= end, "none overlaps");
    if (!isExtended(entry)) end = entry.start + entry.size;
    const check = maker.checks[layout.fs[entry.index] ?? ""];
    lookAt(to, entry.start, entry.size, (part) => check?.(part, entry));
  }
  if (/^label: gpt/.test(layout.script)) {
    assert.match(tool("sgdisk", ["-v", to]), /No problems found/);
  }
  tool("sfdisk", ["--verify", "-q", to]);
  return is.entries.map((entry, order) => [entry, was.entries[order] as Entry]);
}

/** As ntfsresize says of a volume that has the mark. */
function isToBeChecked(part: string): boolean {
  try {
    tool("ntfsresize", ["--info", part]);
    return false;
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    assert.match(stdout + stderr, /scheduled for check/);
    return true;
  }
}
