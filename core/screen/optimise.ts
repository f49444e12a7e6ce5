/** What it brought to pack an image anew, and how far it is, in words. */
import { imageName } from "../image/manifest.ts";
import type { ImageView, OptimiseView } from "../wire/views.ts";
import { durationText, percentText, sizeText } from "./format.ts";

/** Of the usual room, in bits a second. */
const usualLinkBps = 1e9;

/** `before`: bytes that the image took. */
export function optimisedText(
  image: Pick<ImageView, "name" | "version" | "fitSize" | "storedBytes">,
  before: number,
): string {
  const { storedBytes } = image;
  const saved = before - storedBytes;
  const name = imageName(image);
  if (saved <= 0) return `${name}: no chunk would be smaller`;
  return (
    `${name}: ${sizeText(storedBytes)} instead of ${sizeText(before)}, ${percentText(saved / before)} less; ` +
    `a room at 1 Gbit/s is done ${durationText((saved * 8) / usualLinkBps)} earlier`
  );
}

/** For a table's cell. */
export function optimiseStateText(view: OptimiseView | null): string {
  if (view === null) return "";
  const { state, reason, chunksDone, chunksTotal, savedBytes } = view;
  const part = percentText(chunksTotal === 0 ? 0 : chunksDone / chunksTotal);
  const held = reason === null ? "" : ` for ${reason}`;
  switch (state) {
    case "waiting":
      return `waits${held}`;
    case "working":
      return part;
    case "paused":
      return `${part}, paused${held}`;
    case "done":
      return `done, ${sizeText(savedBytes)} less`;
    case "failed":
      return "failed";
  }
}
