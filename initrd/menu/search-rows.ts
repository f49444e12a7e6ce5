/** What the first page says while the server is not connected. */
import { line, paragraph, type Row } from "../../core/screen/row.ts";
import { type MenuSpeech, speechOf } from "./speech.ts";
import type { MenuView } from "./view.ts";

/** Why the server is not reached, and what to check: the most frequent cause first. */
export function searchRows(view: MenuView, columns: number): Row[] {
  const { pc, server } = view;
  const { state, url } = server;
  const speech = speechOf(view);
  const { t, told } = speech;
  if (state === "other-key") return otherKeyRows(server.detail, speech, columns);
  const detail = server.detail === null ? null : told(server.detail);
  const where = url === null ? t("search.unknown") : t("search.at", { url });
  const said = (text: string): Row[] => paragraph(text, columns, "warn").slice(0, 3);
  const why = `${detail}`;
  if (state === "proving") return said(t("search.proving", { server: where }));
  if (state === "other-version") return said(t("search.otherVersion", { server: where, why }));
  if (state === "refused") return said(t("search.refused", { server: where, why }));
  const silent = t(state === "lost" ? "search.lost" : "search.silent", { server: where });
  const what = detail !== null ? `${where}: ${detail}` : url === null ? where : silent;
  const check = t("search.check");
  const checks = [
    t("search.cable"),
    t("search.port"),
    t("search.runs"),
    t("search.address", { address: pc.ip ?? t("search.noAddress"), mac: pc.mac }),
  ];
  return [
    ...said(t("search.keeps", { what })),
    ...checks.map((text, at) =>
      line(`${at === 0 ? check : " ".repeat(check.length)}  ${at + 1}. ${text}`),
    ),
  ];
}

/** What it means that another machine answers in the server's place, and what to do. */
const otherKeyRows = (detail: string | null, { t, told }: MenuSpeech, columns: number): Row[] => [
  ...paragraph(t("key.other"), columns, "bold"),
  ...paragraph(`${told(`${detail}`)}.`, columns, "warn").slice(0, 3),
  ...paragraph(t("key.otherNext"), columns),
];
