import type { Finding } from "../../core/agent/desk.ts";
import { cell, type Row, span, wrap } from "../../core/screen/row.ts";
import type { MenuSpeech } from "./speech.ts";

/** What the network check found on the way to the server; a verdict is a word, not a colour. */
export function findingRows(
  findings: readonly Finding[],
  { t, told }: MenuSpeech,
  columns: number,
): Row[] {
  return findings.flatMap(({ title, good, text }) => {
    const word = good === null ? " ..." : good ? ` ${t("check.ok")}` : t("check.bad");
    const [first = "", ...more] = wrap(told(text), columns - 24);
    return [
      [
        span(` ${cell(told(title), 13)}`, "bold"),
        span(` ${cell(word, 6)}`, verdicts[`${good}`]),
        span(` ${first}`),
      ],
      ...more.map((part): Row => [span(`${" ".repeat(22)}${part}`)]),
    ];
  });
}

const verdicts = { true: "good", false: "bad", null: "plain" } as const;
