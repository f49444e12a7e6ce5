import { type FileHandle, open } from "node:fs/promises";
import { RoomcastError } from "../errors.ts";
import { decodePeLayout, type PeLayout, peHeaderBytes } from "../wire/pe.ts";

/** How a UEFI program lies in its file. Rejects with `bad-input` for another file. */
export async function readPeLayout(path: string): Promise<PeLayout> {
  await using file = await open(path);
  return layoutOf(file, path);
}

/** The bytes of one section, or null when the program has none of that name. Rejects with `bad-input`. */
export async function readPeSection(path: string, name: string): Promise<Uint8Array | null> {
  await using file = await open(path);
  const section = (await layoutOf(file, path)).sections.find((each) => each.name === name);
  if (section === undefined) return null;
  const bytes = new Uint8Array(section.bytes);
  const { bytesRead } = await file.read(bytes, 0, bytes.length, section.offset);
  if (bytesRead < bytes.length) throw notOne(path, `its section ${name} is cut off`);
  return bytes;
}

async function layoutOf(file: FileHandle, path: string): Promise<PeLayout> {
  const head = new Uint8Array(peHeaderBytes);
  const { bytesRead } = await file.read(head, 0, head.length, 0);
  const layout = decodePeLayout(head.subarray(0, bytesRead));
  if (!layout.ok) throw notOne(path, layout.reason);
  return layout.value;
}

const notOne = (path: string, why: string): RoomcastError =>
  new RoomcastError("bad-input", `${path} is no UEFI program: ${why}`, "make it anew");
