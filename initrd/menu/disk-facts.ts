import { cell, type Row, span } from "../../core/screen/row.ts";
import type { DiskView } from "../../core/wire/views.ts";
import type { MenuSpeech } from "./speech.ts";

/** Which disk is meant, before anything is done with it. */
export const diskFacts = (disk: DiskView, { t, size }: MenuSpeech): Row[] =>
  (
    [
      ["disk.modelTitle", disk.model ?? t("unknown")],
      ["disk.serialTitle", disk.serial ?? t("unknown")],
      ["disk.sizeTitle", size(disk.size)],
      ["disk.deviceTitle", `${disk.path}  ${disk.transport ?? ""}`],
    ] as const
  ).map(([title, text]) => [span(`   ${cell(t(title), 8)}`), span(text, "bold")]);
