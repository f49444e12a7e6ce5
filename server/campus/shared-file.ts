/** What a server remembers of the campus's list across restarts. Its copy of operators and SSH keys is in `state.db`. */
import type { SharedMark } from "../../core/campus/shared-list.ts";
import { canonicalJson } from "../../core/units/canonical-json.ts";
import type { StoreFiles } from "../store/files.ts";
import { readKeptText } from "./kept-text.ts";
import { isSigner, type SignerRecord } from "./shared-kinds.ts";

/** One of this server that gave way to the campus's of its name. */
export interface Replaced {
  readonly kind: string;
  readonly name: string;
  /** ISO 8601. */
  readonly at: string;
}

export interface KeptShared {
  readonly marks: readonly SharedMark[];
  readonly replaced: readonly Replaced[];
  /** Keys of other servers. */
  readonly signers: readonly SignerRecord[];
}

/** A file that is missing or damaged costs what was known of a database that is put back to an earlier day. */
export async function readShared(
  path: string,
  disk: Pick<StoreFiles, "read">,
): Promise<KeptShared> {
  const text = await readKeptText(path, disk);
  try {
    const { marks, replaced, signers } = JSON.parse(text);
    return {
      marks: marks.filter(isMark),
      replaced: replaced.filter(({ kind, name, at }: Replaced) => areTexts(kind, name, at)),
      signers: signers.filter(isSigner),
    };
  } catch {
    return { marks: [], replaced: [], signers: [] };
  }
}

export const sharedText = (kept: KeptShared): string => canonicalJson(kept);

const areTexts = (...values: readonly unknown[]): boolean =>
  values.every((value) => typeof value === "string");

const isMark = ({ kind, name, since, revision, sum }: SharedMark): boolean =>
  areTexts(kind, name, since, sum ?? "") && Number.isSafeInteger(revision);
