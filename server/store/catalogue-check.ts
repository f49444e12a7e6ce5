/** The program that checks a catalogue: it is told the path, and says whether SQLite finds it in order. */
import { once } from "node:events";
import { DatabaseSync } from "node:sqlite";
import { isUnreadable } from "./faults.ts";

const [path] = (await once(process, "message")) as [string];
process.send?.(isSound(path));
process.disconnect();

function isSound(file: string): boolean {
  try {
    using db = new DatabaseSync(file, { readOnly: true });
    return db.prepare("PRAGMA quick_check").get()?.quick_check === "ok";
  } catch (cause) {
    if (isUnreadable(cause)) return false;
    throw cause;
  }
}
