/** Where an image of a campus is, and how it comes here, in words. */
import type { ImageView } from "../wire/views.ts";
import { percentText } from "./format.ts";

/** For a table's cell. */
export function placeText({ here, server, fetch }: ImageView): string {
  if (here) return server === null ? "only here" : "yes";
  if (fetch === null) return `no, from ${server ?? "elsewhere"}`;
  const { state, chunksDone, chunksTotal } = fetch;
  const part = percentText(chunksTotal === 0 ? 0 : chunksDone / chunksTotal);
  switch (state) {
    case "waiting":
      return `${part}, waits`;
    case "fetching":
      return part;
    case "failed":
      return "failed";
  }
}
