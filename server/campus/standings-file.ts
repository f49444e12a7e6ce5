/** What a server remembers of its rooms' leases across a restart, and what it is told apart from others by. */
import type { Standing, Standings } from "../../core/campus/room-standing.ts";
import { canonicalJson } from "../../core/units/canonical-json.ts";
import type { StoreFiles } from "../store/files.ts";
import { readKeptText, writeKeptText } from "./kept-text.ts";

export interface Kept {
  /** Of the data folder, made at random. */
  readonly folder: string;
  readonly standings: Standings;
}

/** A file that is missing or damaged costs what was known: then no room is acted for until the database tells again. */
export async function readKept(
  path: string,
  disk: Pick<StoreFiles, "read">,
  newFolder: () => string,
): Promise<Kept> {
  const text = await readKeptText(path, disk);
  try {
    const { folder, rooms } = JSON.parse(text);
    const standings = Object.entries(rooms).map(
      ([room, standing]) => [room, read(standing)] as const,
    );
    if (typeof folder === "string" && folder !== "")
      return { folder, standings: new Map(standings) };
  } catch {
    // As if there were none.
  }
  return { folder: newFolder(), standings: new Map() };
}

/** Durable when it resolves. */
export async function writeKept(
  path: string,
  disk: Pick<StoreFiles, "writeDurably">,
  { folder, standings }: Kept,
): Promise<void> {
  const text = canonicalJson({ folder, rooms: Object.fromEntries(standings) });
  await writeKeptText(path, disk, text);
}

function read(standing: unknown): Standing {
  const { name, server, epoch, to, move } = standing as Record<string, unknown>;
  if (name === "owned" && typeof epoch === "number") return { name, epoch };
  if (name === "elsewhere" && typeof server === "string") return { name, server };
  if (name === "coming" || name === "removed") return { name };
  const isGiving = name === "giving" && typeof epoch === "number" && typeof to === "string";
  if (isGiving && typeof move === "number") return { name, epoch, to, move };
  return { name: "asked" };
}
