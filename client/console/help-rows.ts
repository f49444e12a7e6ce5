/** The page of all keys. */
import { cell, line, type Row, span, wrap } from "../../core/screen/row.ts";
import type { ConsoleSpeech } from "./speech.ts";

/** Width of the keys before what they do; on a narrow screen that is below keys of a long name. */
const helpWidth = (columns: number): number => (columns < 60 ? 6 : 20);

export const helpRows = ({ t }: ConsoleSpeech, columns: number): Row[] =>
  (
    [
      [t("help.arrows"), "help.move"],
      [t("help.leftRight"), "help.rooms"],
      ["t", "help.map"],
      [t("help.enter"), "help.pc"],
      ["S", "help.shell"],
      ["o  e  y", "help.look"],
      [t("help.space"), "help.mark"],
      ["/", "help.filter"],
      ["v", "help.session"],
      ["r", "help.restore"],
      ["c", "help.capture"],
      ["k", "help.cast"],
      ["g  s", "help.startStop"],
      ["x  a", "help.dropAdmit"],
      ["w  b  p  l", "help.power"],
      ["n  m  f", "help.names"],
      ["u", "help.identify"],
      ["A  K", "help.keys"],
      ["z", "help.wipe"],
      ["i", "help.images"],
      ["R", "help.room"],
      ["D", "help.check"],
      ["C", "help.campus"],
      [":", "help.command"],
      ["y  n", "help.answer"],
      ["Ctrl-L", "help.redraw"],
      ["q", "help.leave"],
    ] as const
  ).flatMap(([keys, what]): Row[] => {
    const width = helpWidth(columns);
    const texts = wrap(t(what), columns - width - 2);
    const apart = keys.length >= width ? [line(keys, "bold")] : [];
    return [
      ...apart,
      ...texts.map((text, index): Row => {
        const named = index === 0 && apart.length === 0 ? keys : "";
        return [span(` ${cell(named, width)}`, "bold"), span(text)];
      }),
    ];
  });
