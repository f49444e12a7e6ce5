/** The menu's screens, as functions of its state. They are readable at 80×24, on a console without colour. */
import type { Finding } from "../../core/agent/desk.ts";
import { imageName } from "../../core/image/manifest.ts";
import { diskLine } from "../../core/screen/disk.ts";
import { bigLetters } from "../../core/screen/letters.ts";
import {
  barRow,
  blank,
  cell,
  factRow,
  line,
  paragraph,
  type Row,
  type ScreenSize,
  type Style,
  screenful,
  span,
  visibleFrom,
  wrap,
} from "../../core/screen/row.ts";
import { wipeMethodsOf } from "../../core/screen/wipe.ts";
import { codeText } from "../../core/trust/code.ts";
import { levelText } from "../../core/trust/level.ts";
import { foldedName, imageNameRule, nameFault } from "../../core/wire/names.ts";
import type { DiskView, ImageView } from "../../core/wire/views.ts";
import { fieldRow, imageNameRows, lockWord, pinWords, waitingRows } from "./ask-rows.ts";
import { headerRow, noticeRows, pinRow, serverNoticeRows } from "./frame.ts";
import { hardwareRows } from "./hardware-rows.ts";
import { eraseWord, exits, items, type Page } from "./pages.ts";
import { type MenuSpeech, speechOf } from "./speech.ts";
import { offeredSeat, settled, workText } from "./state.ts";
import { taskRows } from "./task-rows.ts";
import type { MenuView } from "./view.ts";

/** The whole screen: exactly `size.lines` rows. */
export function rows(view: MenuView, before: Page, size: ScreenSize): Row[] {
  const page = settled(before, view);
  if (view.task !== null) return taskRows(view, view.task, page, size);
  if (view.waiting !== null) return waitingRows(view, view.waiting, size);
  const { columns } = size;
  const speech = speechOf(view);
  const { t } = speech;
  const frame = (title: string, body: readonly Row[], keys: string): Row[] =>
    screenful(
      {
        header: [headerRow(view, columns), line(title, "bold"), blank],
        body,
        footer: [...serverNoticeRows(view, columns), barRow(keys, "", columns)],
      },
      size,
    );
  switch (page.name) {
    case "home":
      return homeRows(view, page, size);
    case "wait":
      return waitRows(view, size);
    case "pin": {
      const [title, keys] = pinWords(view, page);
      return frame(title, [pinRow(page.value)], keys);
    }
    case "imageName":
      return frame(
        t("restore.which"),
        imageNameRows(page.value, speech, columns),
        t("keys.continue"),
      );
    case "images":
      return frame(t("item.r"), imageRows(view, page.chosen, size), t("keys.images"));
    case "disks":
      return frame(
        page.purpose.kind === "capture"
          ? t("capture.whichDisk")
          : page.purpose.kind === "cast"
            ? t("cast.whichDisk")
            : t("work.whichDisk", { work: capital(workText(page.purpose, t)) }),
        choiceRows(
          view.disks.map((disk) => diskLine(disk, speech)),
          page.chosen,
          columns,
        ),
        t("keys.choose"),
      );
    case "erase":
      return frame(
        capital(workText(page.work, t)),
        eraseRows(page, speech, columns),
        t("keys.erase", { word: eraseWord }),
      );
    case "castName":
      return frame(t("cast.title"), castNameRows(page, view, columns), t("keys.continue"));
    case "cast":
      return frame(t("cast.title"), castRows(page, view, size), t("keys.cast"));
    case "methods":
      return frame(
        t("erase.how"),
        choiceRows(
          wipeMethodsOf(view.disks).map((method) => t(`wipe.${method}`)),
          page.chosen,
          columns,
        ),
        t("keys.choose"),
      );
    case "exits":
      return frame(
        t("exit.title"),
        choiceRows(
          exits.map(({ letter }) => `${letter.toUpperCase()}  ${t(`exit.${letter}`)}`),
          page.chosen,
          columns,
        ),
        t("keys.exits"),
      );
    case "hardware":
      return frame(t("item.h"), hardwareRows(view, columns), t("keys.back"));
    case "check":
      return frame(t("item.n"), findingRows(view.check ?? [], speech, columns), t("keys.check"));
    case "capture":
      return frame(t("item.c"), captureRows(page, view, columns), t("keys.start"));
    case "power":
      return frame(t(`power.${page.action}`), [], t("keys.yes"));
    case "stop":
      return homeRows(view, { name: "home", chosen: 0, said: null }, size);
  }
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

const stateStyle: Readonly<Record<MenuView["server"]["state"], Style>> = {
  searching: "blockWarn",
  proving: "blockWarn",
  connected: "blockGood",
  lost: "blockBad",
  "other-version": "blockBad",
  refused: "blockBad",
  "other-key": "blockBad",
};

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

/** The code to compare, while nobody has placed this PC. */
const pairingCode = (view: MenuView): string | null =>
  view.level === "waiting" ? view.code : null;

function homeRows(view: MenuView, page: Extract<Page, { name: "home" }>, size: ScreenSize): Row[] {
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

function waitRows(view: MenuView, size: ScreenSize): Row[] {
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

/** Lines for warnings; the menu has to fit below them. */
const troubleLines = 5;

/** What it means that another machine answers in the server's place, and what to do. */
const otherKeyRows = (detail: string | null, { t, told }: MenuSpeech, columns: number): Row[] => [
  ...paragraph(t("key.other"), columns, "bold"),
  ...paragraph(`${told(`${detail}`)}.`, columns, "warn").slice(0, 3),
  ...paragraph(t("key.otherNext"), columns),
];

/** Why the server is not reached, and what to check: the most frequent cause first. */
function searchRows(view: MenuView, columns: number): Row[] {
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

function imageRows(view: MenuView, chosen: number, size: ScreenSize): Row[] {
  const { t, size: bytes, date } = speechOf(view);
  if (view.images === null) {
    return view.server.state === "connected"
      ? [line(t("images.asking"))]
      : paragraph(t("images.silent"), size.columns, "warn");
  }
  if (view.images.length === 0) return paragraph(t("images.none"), size.columns);
  const name = size.columns - 2 - 10 - 12 - 18;
  const heading = `${cell(t("image"), name)}${cell(t("images.data"), 10, "right")}${cell(t("disk"), 12, "right")}${cell(`  ${t("images.captured")}`, 18)}`;
  const room = Math.max(1, size.lines - 8);
  const first = visibleFrom(chosen, view.images.length, room);
  return [
    line(heading, "bold"),
    ...view.images.slice(first, first + room).map((image, index): Row => {
      const text = `${cell(imageName(image), name)}${cell(bytes(image.usedBytes), 10, "right")}${cell(bytes(image.diskBytes), 12, "right")}${cell(`  ${date(image.capturedAt)}`, 18)}`;
      return line(text, first + index === chosen ? "chosen" : "plain");
    }),
    blank,
    line(t("amount.of", { some: `${chosen + 1}`, all: `${view.images.length}` })),
  ];
}

const diskFacts = (disk: DiskView, { t, size }: MenuSpeech): Row[] =>
  (
    [
      ["disk.modelTitle", disk.model ?? t("unknown")],
      ["disk.serialTitle", disk.serial ?? t("unknown")],
      ["disk.sizeTitle", size(disk.size)],
      ["disk.deviceTitle", `${disk.path}  ${disk.transport ?? ""}`],
    ] as const
  ).map(([title, text]) => [span(`   ${cell(t(title), 8)}`), span(text, "bold")]);

/** A numbered list with blank lines between its items, so that nobody confuses two of them. */
const choiceRows = (texts: readonly string[], chosen: number, columns: number): Row[] =>
  texts.flatMap((text, index) => [
    line(cell(`${index + 1}  ${text}`, columns - 2), index === chosen ? "chosen" : "plain"),
    blank,
  ]);

function eraseRows(
  page: Extract<Page, { name: "erase" }>,
  speech: MenuSpeech,
  columns: number,
): Row[] {
  const { work, disk, value, refused } = page;
  const { t } = speech;
  return [
    line(t("erase.lost"), "bad"),
    blank,
    ...diskFacts(disk, speech),
    blank,
    ...(work.kind === "restore"
      ? work.image === null
        ? paragraph(t("erase.holds", { image: work.reference }), columns)
        : imageFacts(work.image, disk, speech, columns)
      : paragraph(t("erase.empty"), columns)),
    blank,
    fieldRow(t("word.type", { word: eraseWord }), value),
    refused ? line(t("word.wrong", { word: eraseWord }), "warn") : blank,
  ];
}

function imageFacts(
  image: ImageView,
  disk: DiskView,
  { t, told, size, date }: MenuSpeech,
  columns: number,
): Row[] {
  const { usedBytes, diskBytes, capturedAt, source } = image;
  const facts = { image: imageName(image), size: size(usedBytes), date: date(capturedAt), source };
  const smaller = disk.size < diskBytes ? t("erase.smaller", { size: size(diskBytes) }) : "";
  return [
    ...paragraph(t("erase.holdsImage", facts), columns),
    ...paragraph(smaller, columns, "warn"),
    ...image.warnings.slice(0, 3).flatMap((warning) => paragraph(told(warning), columns, "warn")),
  ];
}

const verdicts = { true: "good", false: "bad", null: "plain" } as const;

/** What the network check found on the way to the server; a verdict is a word, not a colour. */
function findingRows(
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

function castNameRows(
  page: Extract<Page, { name: "castName" }>,
  view: MenuView,
  columns: number,
): Row[] {
  const speech = speechOf(view);
  const { t } = speech;
  return [
    line(t("disk.onlyRead")),
    blank,
    ...diskFacts(page.disk, speech),
    blank,
    ...paragraph(t("cast.store"), columns),
    fieldRow(t("image.name"), page.value),
    ...nameNotes(page, view, columns),
  ];
}

function castRows(
  { disk, saveAs, value, refused }: Extract<Page, { name: "cast" }>,
  view: MenuView,
  { columns, lines }: ScreenSize,
): Row[] {
  const { pc, targets, isLocked } = view;
  const speech = speechOf(view);
  const { t } = speech;
  const room = pc.room ?? "";
  const others = (targets ?? []).filter(({ name }) => name !== pc.name);
  const from = [
    ...paragraph(t("cast.contents", { disk: diskLine(disk, speech) }), columns),
    ...paragraph(
      saveAs === null ? t("cast.notStored") : t("cast.storedAs", { image: saveAs }),
      columns,
    ),
  ];
  const space = Math.max(1, lines - 10 - from.length);
  const shown = others.slice(0, others.length > space ? space - 1 : space);
  const ask: Row[] = [
    ...from,
    blank,
    fieldRow(t("word.type", { word: room }), value),
    refused ? line(t("word.wrong", { word: room }), "warn") : blank,
  ];
  if (isLocked) {
    return [
      line(t("cast.lostOthers", { room }), "bad"),
      ...paragraph(t("cast.operator"), columns),
      ...ask,
    ];
  }
  if (targets === null) return [line(t("cast.asking", { room }))];
  if (others.length === 0) return [line(t("cast.noOthers", { room }))];
  return [
    line(t("cast.lost", { count: others.length, room }), "bad"),
    ...shown.map(
      ({ name, disk: text }): Row => [
        span(` ${cell(name, 14)} `, "bold"),
        span(cell(text, columns - 17)),
      ],
    ),
    ...(shown.length < others.length
      ? [line(t("known.more", { count: others.length - shown.length }))]
      : []),
    ...ask,
  ];
}

/** What is wrong with the typed name, or that an image has it already. */
function nameNotes(
  { value, refused }: { readonly value: string; readonly refused: boolean },
  view: MenuView,
  columns: number,
): Row[] {
  const { t, told } = speechOf(view);
  const fault = refused ? nameFault(imageNameRule, value) : null;
  if (fault !== null) {
    const { what, next } = fault;
    return wrap(`${told(`${what}; ${next}`)}.`, columns - 2).map((text) => line(text, "warn"));
  }
  const same = (view.images ?? []).find(({ name }) => foldedName(name) === foldedName(value));
  return [line(same ? t("name.newVersion", { image: same.name }) : "")];
}

function captureRows(
  page: Extract<Page, { name: "capture" }>,
  view: MenuView,
  columns: number,
): Row[] {
  const speech = speechOf(view);
  const { t } = speech;
  const names = [...new Set((view.images ?? []).map(({ name }) => name))];
  return [
    line(t("disk.onlyRead")),
    blank,
    ...diskFacts(page.disk, speech),
    blank,
    fieldRow(t("image.name"), page.value),
    ...nameNotes(page, view, columns),
    blank,
    ...(names.length === 0
      ? []
      : paragraph(t("name.known", { names: names.join(", ") }), columns).slice(0, 4)),
  ];
}
