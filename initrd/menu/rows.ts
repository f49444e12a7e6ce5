/** The menu's screens, as functions of its state. They are readable at 80×24, on a console without colour. */
import type { Finding } from "../../core/agent/desk.ts";
import { imageName } from "../../core/image/manifest.ts";
import { diskLine } from "../../core/screen/disk.ts";
import { dateText, sizeText } from "../../core/screen/format.ts";
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
import { imageNameRows, lockWord, pinWords, waitingRows } from "./ask-rows.ts";
import { headerRow, noticeRows, pinRow } from "./frame.ts";
import { hardwareRows } from "./hardware-rows.ts";
import { eraseWord, exits, items, type Page } from "./pages.ts";
import { offeredSeat, settled, workText } from "./state.ts";
import { taskRows } from "./task-rows.ts";
import type { MenuView } from "./view.ts";

/** The whole screen: exactly `size.lines` rows. */
export function rows(view: MenuView, before: Page, size: ScreenSize): Row[] {
  const page = settled(before, view);
  if (view.task !== null) return taskRows(view, view.task, page, size);
  if (view.waiting !== null) return waitingRows(view, view.waiting, size);
  const { columns } = size;
  const frame = (title: string, body: readonly Row[], keys: string): Row[] =>
    screenful(
      {
        header: [headerRow(view, columns), line(title, "bold"), blank],
        body,
        footer: [...noticeRows(view.notice, columns), barRow(keys, "", columns)],
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
        "Restore an image: which one?",
        imageNameRows(page.value, columns),
        "Enter: continue   Esc: back",
      );
    case "images":
      return frame(
        "Restore an image",
        imageRows(view, page.chosen, size),
        "Arrows, Enter: choose   R: reload   Esc: back",
      );
    case "disks":
      return frame(
        page.purpose.kind === "capture"
          ? "Capture this PC: which disk?"
          : page.purpose.kind === "cast"
            ? "Cast this PC's disk: which one?"
            : `${capital(workText(page.purpose))}: which disk?`,
        choiceRows(view.disks.map(diskLine), page.chosen, columns),
        "Arrows or number, Enter: choose   Esc: back",
      );
    case "erase":
      return frame(
        capital(workText(page.work)),
        eraseRows(page, columns),
        `Type ${eraseWord}, Enter: overwrite the disk   Esc: back, change nothing`,
      );
    case "castName":
      return frame(
        "Cast this PC's disk to the room",
        castNameRows(page, view.images, columns),
        "Enter: continue   Esc: back",
      );
    case "cast":
      return frame(
        "Cast this PC's disk to the room",
        castRows(page, view, size),
        "The room's name, Enter: overwrite its disks   Esc: back, change nothing",
      );
    case "methods":
      return frame(
        "Erase the disk: how?",
        choiceRows(
          wipeMethodsOf(view.disks).map(({ text }) => text),
          page.chosen,
          columns,
        ),
        "Arrows or number, Enter: choose   Esc: back",
      );
    case "exits":
      return frame(
        "Exit",
        choiceRows(
          exits.map(({ letter, text }) => `${letter.toUpperCase()}  ${text}`),
          page.chosen,
          columns,
        ),
        "Arrows, number or letter: choose   Esc: back",
      );
    case "hardware":
      return frame("Hardware", hardwareRows(view, columns), "Any key: back");
    case "check":
      return frame(
        "Network check",
        findingRows(view.check ?? [], columns),
        "R: check again   Any other key: back",
      );
    case "capture":
      return frame(
        "Capture this PC",
        captureRows(page, view.images, columns),
        "Enter: start   Esc: back",
      );
    case "power":
      return frame(
        {
          reboot: "Reboot this PC?",
          poweroff: "Switch this PC off?",
          "boot-disk":
            "Start from the local disk? This PC then takes no part in its room's sessions.",
        }[page.action],
        [],
        "Y: yes   Any other key: back",
      );
    case "stop":
      return homeRows(view, { name: "home", chosen: 0, said: null }, size);
  }
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

const stateWord: Readonly<Record<MenuView["server"]["state"], readonly [string, Style]>> = {
  searching: ["SEARCHING", "blockWarn"],
  proving: ["PROVING", "blockWarn"],
  connected: ["READY", "blockGood"],
  lost: ["NO SERVER", "blockBad"],
  "other-version": ["OTHER VERSION", "blockBad"],
  refused: ["REFUSED", "blockBad"],
  "other-key": ["WRONG SERVER", "blockBad"],
};

function homeKeys(view: MenuView): string {
  if (offeredSeat(view) !== null) return "Enter: take the seat   Letter or number: the menu";
  const usual = "Arrows and Enter, number, or letter";
  return view.server.state === "connected" ? usual : `${usual}   R: draw again`;
}

/** In a seat walk: the seat that Enter takes, or the seat that this PC has. */
function homeWord(view: MenuView): readonly [string, Style] {
  if (view.server.state !== "connected") return stateWord[view.server.state];
  if ((view.place?.walk ?? null) === null) {
    const code = pairingCode(view);
    if (code !== null) return [codeText(code), "blockWarn"];
    if (view.disks.length === 0) return ["NO DISK", "blockBad"];
    return view.isHalfWritten ? ["HALF WRITTEN", "blockBad"] : stateWord.connected;
  }
  const offered = offeredSeat(view);
  if (offered !== null) return [`SEAT ${offered.seat}`, "blockWarn"];
  return view.place?.seat == null ? ["NO SEAT", "blockWarn"] : [view.place.seat, "blockGood"];
}

/** The code to compare, while nobody has placed this PC. */
const pairingCode = (view: MenuView): string | null =>
  view.level === "waiting" ? view.code : null;

function homeRows(view: MenuView, page: Extract<Page, { name: "home" }>, size: ScreenSize): Row[] {
  const { columns, lines } = size;
  const footer = [
    ...noticeRows(page.said, columns),
    ...noticeRows(view.notice, columns),
    barRow(homeKeys(view), lockWord(view), columns),
  ];
  const menu = items.map(({ letter, text }, index) => [
    span(
      ` ${index + 1}  ${letter.toUpperCase()}  ${cell(text, 36)}`,
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
  const code = pairingCode(view);
  const name = code === null ? (view.pc.name ?? view.pc.mac) : codeText(code);
  const details =
    view.server.state === "connected"
      ? [
          line(
            "Waiting for the room. The server starts the work; you have nothing to do here.",
            "bold",
          ),
          blank,
          ...knownRows(view, columns, 8),
        ]
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
      footer: [...noticeRows(view.notice, columns), barRow("Any key: the menu", "", columns)],
    },
    size,
  );
}

/** What this PC is: for the label on its case, and for finding it on the server. */
function knownRows(view: MenuView, columns: number, diskLines: number): Row[] {
  const { pc, server, disks } = view;
  const fact = (title: string, text: string): Row =>
    factRow(title, text, { columns, titleWidth: 8 });
  const shown = disks.slice(0, disks.length > diskLines ? diskLines - 1 : diskLines);
  return [
    fact(
      "PC",
      [pc.name ?? "no name yet", `room ${pc.room ?? "none"}`, pc.mac, pc.ip ?? "no address"].join(
        "  ",
      ),
    ),
    ...seatFacts(view).map((text) => fact("Seat", text)),
    ...keyFacts(view).map((text) => fact("Key", text)),
    fact("Server", `${server.url ?? "unknown"}  ${server.detail ?? "connected"}`),
    ...shown.map((disk, index) => fact(index === 0 ? "Disk" : "", diskLine(disk))),
    ...(shown.length < disks.length ? [fact("", `and ${disks.length - shown.length} more`)] : []),
    ...(disks.length === 0 ? [fact("Disk", "none")] : []),
    ...view.troubles.flatMap((text) => paragraph(text, columns, "warn")).slice(0, troubleLines),
  ];
}

function keyFacts(view: MenuView): string[] {
  if (view.level === null) return [];
  const code = pairingCode(view);
  const text = levelText(view.level);
  return [code === null ? text : `${codeText(code)}: ${text}. An operator compares the number.`];
}

function seatFacts(view: MenuView): string[] {
  const offered = offeredSeat(view);
  if (offered !== null) {
    return [`SEAT WALK: press Enter, and this PC takes seat ${offered.seat} of ${offered.room}`];
  }
  const seat = view.place?.seat ?? null;
  return seat === null ? [] : [seat];
}

/** Lines for warnings; the menu has to fit below them. */
const troubleLines = 5;

/** What it means that another machine answers in the server's place, and what to do. */
const otherKeyRows = ({ detail }: MenuView["server"], columns: number): Row[] => [
  line("This server is not the one that this PC was started by. It is told nothing.", "bold"),
  ...paragraph(`${detail}.`, columns, "warn").slice(0, 3),
  line("Restart this PC. If this comes back, another machine may answer in the"),
  line("server's place: compare the key with `roomcast trust show` on the server."),
];

/** Why the server is not reached, and what to check: the most frequent cause first. */
function searchRows({ pc, server }: MenuView, columns: number): Row[] {
  const { state, url, detail } = server;
  const where = url === null ? "No server is known yet" : `The server at ${url}`;
  const said = (text: string): Row[] => paragraph(text, columns, "warn").slice(0, 3);
  if (state === "proving") return said(`${where} answers; this PC is proving its key`);
  if (state === "other-version") return said(`${where} has another version: ${detail}.`);
  if (state === "other-key") return otherKeyRows(server, columns);
  if (state === "refused") return said(`${where} refuses this PC: ${detail}`);
  const silent = state === "lost" ? "no longer answers" : "does not answer yet";
  const what =
    detail !== null ? `${where}: ${detail}` : url === null ? where : `${where} ${silent}`;
  return [
    ...said(`${what}. This PC keeps trying.`),
    line(`Check  1. the cable, and the light at its socket`),
    line(`       2. the switch port: in the right VLAN, and up for a minute already?`),
    line(`       3. the server: is it on, in this network, and running roomcast serve?`),
    line(
      `       4. this PC's address: ${pc.ip ?? "NONE, so DHCP has not answered"}  (MAC ${pc.mac})`,
    ),
  ];
}

function imageRows(view: MenuView, chosen: number, size: ScreenSize): Row[] {
  if (view.images === null) {
    return view.server.state === "connected"
      ? [line("Asking the server for its images...")]
      : paragraph("The images are on the server, which does not answer now.", size.columns, "warn");
  }
  if (view.images.length === 0) {
    return paragraph("The server has no images yet. Capture a PC first.", size.columns);
  }
  const name = size.columns - 2 - 10 - 12 - 18;
  const heading = `${cell("Image", name)}${cell("Data", 10, "right")}${cell("Disk", 12, "right")}${cell("  Captured", 18)}`;
  const room = Math.max(1, size.lines - 8);
  const first = visibleFrom(chosen, view.images.length, room);
  return [
    line(heading, "bold"),
    ...view.images.slice(first, first + room).map((image, index): Row => {
      const text = `${cell(imageName(image), name)}${cell(sizeText(image.usedBytes), 10, "right")}${cell(sizeText(image.diskBytes), 12, "right")}${cell(`  ${dateText(image.capturedAt)}`, 18)}`;
      return line(text, first + index === chosen ? "chosen" : "plain");
    }),
    blank,
    line(`${chosen + 1} of ${view.images.length}`),
  ];
}

const diskFacts = (disk: DiskView): Row[] => [
  [span("   Model   "), span(disk.model ?? "unknown", "bold")],
  [span("   Serial  "), span(disk.serial ?? "unknown", "bold")],
  [span("   Size    "), span(sizeText(disk.size), "bold")],
  [span("   Device  "), span(`${disk.path}  ${disk.transport ?? ""}`, "bold")],
];

/** A numbered list with blank lines between its items, so that nobody confuses two of them. */
const choiceRows = (texts: readonly string[], chosen: number, columns: number): Row[] =>
  texts.flatMap((text, index) => [
    line(cell(`${index + 1}  ${text}`, columns - 2), index === chosen ? "chosen" : "plain"),
    blank,
  ]);

function eraseRows(page: Extract<Page, { name: "erase" }>, columns: number): Row[] {
  const { work, disk, value, refused } = page;
  return [
    line("EVERYTHING ON THIS DISK WILL BE LOST:", "bad"),
    blank,
    ...diskFacts(disk),
    blank,
    ...(work.kind === "restore"
      ? work.image === null
        ? paragraph(`It will hold ${work.reference}.`, columns)
        : imageFacts(work.image, disk, columns)
      : paragraph("The disk will be empty, and the PC will not start from it.", columns)),
    blank,
    [span(` Type ${eraseWord} and press Enter: `, "bold"), span(`${value}_`, "accent")],
    refused ? line(`That was not ${eraseWord}. Nothing was changed.`, "warn") : blank,
  ];
}

function imageFacts(image: ImageView, disk: DiskView, columns: number): Row[] {
  const smaller =
    disk.size < image.diskBytes
      ? `The disk is smaller than the image's (${sizeText(image.diskBytes)}): where it has to be, the image is made to fit first, which takes minutes.`
      : "";
  return [
    ...paragraph(
      `It will hold ${imageName(image)}: ${sizeText(image.usedBytes)} of data, captured ${dateText(image.capturedAt)} from ${image.source}.`,
      columns,
    ),
    ...paragraph(smaller, columns, "warn"),
    ...image.warnings.slice(0, 3).flatMap((warning) => paragraph(warning, columns, "warn")),
  ];
}

const verdicts = {
  true: ["  ok   ", "good"],
  false: [" CHECK ", "bad"],
  null: ["  ...  ", "plain"],
} as const;

/** What the network check found on the way to the server; a verdict is a word, not a colour. */
function findingRows(findings: readonly Finding[], columns: number): Row[] {
  return findings.flatMap(({ title, good, text }) => {
    const [word, style] = verdicts[`${good}`];
    const [first = "", ...more] = wrap(text, columns - 24);
    return [
      [span(` ${cell(title, 13)}`, "bold"), span(word, style), span(` ${first}`)],
      ...more.map((part): Row => [span(`${" ".repeat(22)}${part}`)]),
    ];
  });
}

function castNameRows(
  page: Extract<Page, { name: "castName" }>,
  images: readonly ImageView[] | null,
  columns: number,
): Row[] {
  return [
    line("This disk is only read, not changed:"),
    blank,
    ...diskFacts(page.disk),
    blank,
    ...paragraph(
      "The server can store it as an image, too. Leave the name empty if it should not.",
      columns,
    ),
    [span(" Name of the image: ", "bold"), span(`${page.value}_`, "accent")],
    ...nameNotes(page, images, columns),
  ];
}

function castRows(
  { disk, saveAs, value, refused }: Extract<Page, { name: "cast" }>,
  { pc, targets, isLocked }: MenuView,
  { columns, lines }: ScreenSize,
): Row[] {
  const room = pc.room ?? "";
  const others = (targets ?? []).filter(({ name }) => name !== pc.name);
  const from = [
    ...paragraph(`They get the contents of this PC's ${diskLine(disk)}.`, columns),
    ...paragraph(
      saveAs === null ? "The server does not store it." : `The server also stores it as ${saveAs}.`,
      columns,
    ),
  ];
  const space = Math.max(1, lines - 10 - from.length);
  const shown = others.slice(0, others.length > space ? space - 1 : space);
  const ask: Row[] = [
    ...from,
    blank,
    [span(` Type ${room} and press Enter: `, "bold"), span(`${value}_`, "accent")],
    refused ? line(`That was not ${room}. Nothing was changed.`, "warn") : blank,
  ];
  if (isLocked) {
    return [
      line(`EVERYTHING ON THE OTHER DISKS OF ROOM ${room} WILL BE LOST.`, "bad"),
      ...paragraph("The server's operator is shown which these are, and is asked.", columns),
      ...ask,
    ];
  }
  if (targets === null) return [line(`Asking the server for the disks of room ${room}...`)];
  if (others.length === 0) return [line(`There are no other PCs in room ${room}.`)];
  const count = others.length === 1 ? "THIS DISK" : `THESE ${others.length} DISKS`;
  return [
    line(`EVERYTHING ON ${count} OF ROOM ${room} WILL BE LOST:`, "bad"),
    ...shown.map(
      ({ name, disk: text }): Row => [
        span(` ${cell(name, 14)} `, "bold"),
        span(cell(text, columns - 17)),
      ],
    ),
    ...(shown.length < others.length ? [line(`and ${others.length - shown.length} more`)] : []),
    ...ask,
  ];
}

/** What is wrong with the typed name, or that an image has it already. */
function nameNotes(
  { value, refused }: { readonly value: string; readonly refused: boolean },
  images: readonly ImageView[] | null,
  columns: number,
): Row[] {
  const fault = refused ? nameFault(imageNameRule, value) : null;
  if (fault !== null) {
    const { what, next } = fault;
    return wrap(`${what}; ${next}.`, columns - 2).map((text) => line(text, "warn"));
  }
  const same = (images ?? []).find(({ name }) => foldedName(name) === foldedName(value));
  return [line(same ? `This makes a new version of ${same.name}; the older ones stay.` : "")];
}

function captureRows(
  page: Extract<Page, { name: "capture" }>,
  images: readonly ImageView[] | null,
  columns: number,
): Row[] {
  const names = [...new Set((images ?? []).map(({ name }) => name))];
  return [
    line("This disk is only read, not changed:"),
    blank,
    ...diskFacts(page.disk),
    blank,
    [span(" Name of the image: ", "bold"), span(`${page.value}_`, "accent")],
    ...nameNotes(page, images, columns),
    blank,
    ...(names.length === 0
      ? []
      : paragraph(`On the server: ${names.join(", ")}`, columns).slice(0, 4)),
  ];
}
