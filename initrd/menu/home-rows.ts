/** The menu's first page: what this PC is, how it stands with its server, and what can be chosen. */
import { diskLine } from "../../core/screen/disk.ts";
import { bigLetters } from "../../core/screen/letters.ts";
import {
  barRow,
  blank,
  cell,
  factRow,
  paragraph,
  type Row,
  type ScreenSize,
  type Style,
  screenful,
  span,
} from "../../core/screen/row.ts";
import { codeText } from "../../core/trust/code.ts";
import { levelText } from "../../core/trust/level.ts";
import { lockWord } from "./ask-rows.ts";
import { headerRow, noticeRows, serverNoticeRows } from "./frame.ts";
import { items, type Page } from "./pages.ts";
import { searchRows } from "./search-rows.ts";
import { speechOf } from "./speech.ts";
import { offeredSeat } from "./state.ts";
import type { MenuView } from "./view.ts";

export function homeRows(
  view: MenuView,
  page: Extract<Page, { name: "home" }>,
  size: ScreenSize,
): Row[] {
  const { columns, lines } = size;
  const footer = [
    ...noticeRows(page.said, columns),
    ...serverNoticeRows(view, columns),
    barRow(homeKeys(view), lockWord(view), columns),
  ];
  const { t } = speechOf(view);
  const menu = items.map((letter, index) => [
    span(
      ` ${index + 1}  ${letter.toUpperCase()}  ${cell(t(`item.${letter}`), 36)}`,
      index === page.chosen ? "chosen" : "plain",
    ),
  ]);
  const details =
    view.server.state === "connected" ? knownRows(view, columns, 4) : searchRows(view, columns);
  const room = lines - 1 - footer.length - menu.length - details.length;
  const [word, style] = homeWord(view);
  // Blanks around the letters only where there is room for them.
  const big = bigLetters(word, { columns: columns - 2, lines: Math.min(room, 7) }, style);
  const spare = room - big.length;
  return screenful(
    {
      header: [headerRow(view, columns), ...(spare >= 2 ? [blank] : [])],
      body: [
        ...big,
        ...(spare >= 1 ? [blank] : []),
        ...details,
        ...(spare >= 3 ? [blank] : []),
        ...menu,
      ],
      footer,
    },
    size,
  );
}

/** The same without a menu, with the PC's name large: to find it by. */
export function waitRows(view: MenuView, size: ScreenSize): Row[] {
  const { columns, lines } = size;
  const { t } = speechOf(view);
  const code = pairingCode(view);
  const name = code === null ? (view.pc.name ?? view.pc.mac) : codeText(code);
  const details =
    view.server.state === "connected"
      ? [...paragraph(t("wait.lead"), columns, "bold"), blank, ...knownRows(view, columns, 8)]
      : searchRows(view, columns);
  const big = bigLetters(
    name,
    { columns: columns - 2, lines: lines - details.length - 6 },
    "block",
  );
  return screenful(
    {
      header: [headerRow(view, columns), blank],
      body: [...big, blank, ...details],
      footer: [...serverNoticeRows(view, columns), barRow(t("keys.toMenu"), "", columns)],
    },
    size,
  );
}

function homeKeys(view: MenuView): string {
  const { t } = speechOf(view);
  if (offeredSeat(view) !== null) return t("keys.seat");
  return t(view.server.state === "connected" ? "keys.home" : "keys.homeRedraw");
}

/** In a seat walk: the seat that Enter takes, or the seat that this PC has. */
function homeWord(view: MenuView): readonly [string, Style] {
  const { t } = speechOf(view);
  const { state } = view.server;
  if (state !== "connected") return [t(`big.${state}`), stateStyle[state]];
  if ((view.place?.walk ?? null) === null) {
    const code = pairingCode(view);
    if (code !== null) return [codeText(code), "blockWarn"];
    if (view.disks.length === 0) return [t("big.noDisk"), "blockBad"];
    return view.isHalfWritten
      ? [t("big.halfWritten"), "blockBad"]
      : [t("big.connected"), stateStyle.connected];
  }
  const offered = offeredSeat(view);
  if (offered !== null) return [t("big.seat", { seat: offered.seat }), "blockWarn"];
  return view.place?.seat == null ? [t("big.noSeat"), "blockWarn"] : [view.place.seat, "blockGood"];
}

const stateStyle: Readonly<Record<MenuView["server"]["state"], Style>> = {
  searching: "blockWarn",
  proving: "blockWarn",
  connected: "blockGood",
  lost: "blockBad",
  "other-version": "blockBad",
  refused: "blockBad",
  "other-key": "blockBad",
};

/** The code to compare, while nobody has placed this PC. */
const pairingCode = (view: MenuView): string | null =>
  view.level === "waiting" ? view.code : null;

/** What this PC is: for the label on its case, and for finding it on the server. */
function knownRows(view: MenuView, columns: number, diskLines: number): Row[] {
  const { pc, server, disks } = view;
  const speech = speechOf(view);
  const { t, told } = speech;
  const titles = ["pc", "seat", "key", "server", "disk"] as const;
  const titleWidth = Math.max(8, ...titles.map((key) => t(key).length + 1));
  const fact = (title: string, text: string): Row => factRow(title, text, { columns, titleWidth });
  const room = pc.room === null ? t("pc.noRoom") : t("pc.inRoom", { room: pc.room });
  const shown = disks.slice(0, disks.length > diskLines ? diskLines - 1 : diskLines);
  return [
    fact(t("pc"), [pc.name ?? t("pc.noName"), room, pc.mac, pc.ip ?? t("pc.noAddress")].join("  ")),
    ...seatFacts(view).map((text) => fact(t("seat"), text)),
    ...keyFacts(view).map((text) => fact(t("key"), text)),
    fact(
      t("server"),
      `${server.url ?? t("unknown")}  ${server.detail === null ? t("known.connected") : told(server.detail)}`,
    ),
    ...shown.map((disk, index) => fact(index === 0 ? t("disk") : "", diskLine(disk, speech))),
    ...(shown.length < disks.length
      ? [fact("", t("known.more", { count: disks.length - shown.length }))]
      : []),
    ...(disks.length === 0 ? [fact(t("disk"), t("none"))] : []),
    ...view.troubles
      .flatMap((text) => paragraph(told(text), columns, "warn"))
      .slice(0, troubleLines),
  ];
}

/** Lines for warnings; the menu has to fit below them. */
const troubleLines = 5;

function keyFacts(view: MenuView): string[] {
  if (view.level === null) return [];
  const code = pairingCode(view);
  const { t, told } = speechOf(view);
  const level = told(levelText(view.level));
  return [code === null ? level : t("known.compare", { code: codeText(code), level })];
}

function seatFacts(view: MenuView): string[] {
  const offered = offeredSeat(view);
  if (offered !== null) {
    return [speechOf(view).t("walk.offer", offered)];
  }
  const seat = view.place?.seat ?? null;
  return seat === null ? [] : [seat];
}
