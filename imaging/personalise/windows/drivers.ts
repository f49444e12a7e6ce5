/** Drivers for the PC's model, put where the answer file, or a person, lets Windows take them from. */
import { join } from "node:path";
import type { DriverFile } from "../../../core/wire/personal.ts";
import type { DiskOptions } from "../system.ts";
import { asWindows, find, makeFolders } from "./ntfs.ts";
import type { Changed } from "./steps.ts";
import { putFile } from "./write.ts";

const folder = ["Drivers", "Roomcast"] as const;
export const driverFolder = `C:\\${folder.join("\\")}`;

/** Puts all of them; those that are there already are left. Rejects at the first that cannot be had. */
export async function putDrivers(
  root: string,
  wanted: readonly DriverFile[],
  options: Pick<DiskOptions, "driver" | "signal"> & { readonly changed: Changed },
): Promise<void> {
  const { driver, signal, changed } = options;
  for (const { path, size, sha256 } of wanted) {
    signal.throwIfAborted();
    const names = path.split("/");
    const file = names.pop() ?? "";
    const within = await makeFolders(root, [...folder, ...names]);
    const place = (await find(within, file)) ?? join(within, file);
    const isNew = await putFile(place, { size, sha256 }, () => driver(path));
    if (isNew) changed(asWindows(root, place));
  }
}
