/** NTFS, by ntfsresize. */
import type { Decoded } from "../../core/errors.ts";
import { withMargin } from "../../core/image/fit-estimate.ts";
import type { ToolEnd } from "../disk/tool.ts";
import { leastThat } from "./least-size.ts";
import {
  broken,
  type Shrinkable,
  type ShrinkPlace,
  type ShrinkVolume,
  type ShrinkWork,
  saidBy,
  toolEnd,
  withDevice,
} from "./shrink-work.ts";

export async function openNtfs(
  volume: ShrinkVolume,
  work: ShrinkWork,
): Promise<Decoded<Shrinkable>> {
  const { what, size } = volume;
  const resize = (write: boolean, args: readonly string[]): Promise<ToolEnd> =>
    withDevice(work, volume, write, (device) =>
      toolEnd(work, ["ntfsresize", "--no-progress-bar", ...args, device]),
    );
  const found = await resize(false, ["--info"]);
  const [, needed] = /might resize at (\d+) bytes/.exec(found.output) ?? [];
  if (found.status !== 0 || needed === undefined) {
    const said = saidBy("ntfsresize", found);
    if (!/inconsistent|scheduled for check|chkdsk/i.test(said)) {
      return { ok: false, reason: `${what} keeps its size: ${said}` };
    }
    const next = "let Windows on the master check it (`chkdsk /f`), and capture it again";
    return { ok: false, reason: `${what} (ntfs) has errors: ${said}; ${next}` };
  }
  let least = Math.min(size, withMargin(Number(needed)));
  // Of what cannot be moved nothing is known before it is tried.
  const fits = async (bytes: number): Promise<boolean> =>
    bytes >= least && (await resize(false, ["-n", "-f", "-s", String(bytes)])).status === 0;
  return {
    ok: true,
    value: {
      get least() {
        return least;
      },
      reasons: [],
      async reaches(bytes) {
        if (await fits(bytes)) return true;
        work.log(`${what}: looking for the smallest size that its files let it have`);
        least = await leastThat(fits, Math.max(bytes, least), size);
        return false;
      },
      async shrink(bytes) {
        const resized = await resize(true, ["-f", "-s", String(bytes)]);
        if (resized.status !== 0) throw broken(what, saidBy("ntfsresize", resized));
        await copyBootSector(work, volume, bytes);
        // It has marked the volume as one to be checked, of which no map of used clusters is believed.
        await markNtfs(work, { ...volume, size: bytes }, "clean");
      },
    },
  };
}

/** NTFS has a copy of its boot sector in the last sector of its partition. */
async function copyBootSector(
  { file, logicalSector }: ShrinkWork,
  { start }: ShrinkPlace,
  bytes: number,
): Promise<void> {
  await file.write(start + bytes - logicalSector, await file.read(start, logicalSector));
}

/** Whether Windows checks it at its next start. Rejects with `failed`. */
export async function markNtfs(
  work: ShrinkWork,
  place: ShrinkPlace & { readonly what: string },
  state: "clean" | "to be checked",
): Promise<void> {
  const end = await withDevice(work, place, true, (device) =>
    toolEnd(work, ["ntfsfix", ...(state === "clean" ? ["-d"] : []), device]),
  );
  if (end.status !== 0) throw broken(place.what, saidBy("ntfsfix", end));
}
