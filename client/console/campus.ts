/** The rooms of the campus: as each server has told them, and what can be ordered there. */
import { imageName } from "../../core/image/manifest.ts";
import type { Key } from "../../core/screen/keys.ts";
import {
  blank,
  cell,
  line,
  paragraph,
  type Row,
  type ScreenSize,
  visibleFrom,
} from "../../core/screen/row.ts";
import type { CampusRoomView } from "../../core/wire/campus.ts";
import { type Choice, choiceAt, chosenBy, placeOf } from "./choice.ts";
import type { Model } from "./model.ts";
import { speechOf } from "./speech.ts";
import {
  chosenImage,
  firstImage,
  imageIds,
  imagesToChoose,
  type Page,
  toBase,
  type Ui,
} from "./state.ts";
import { open, refuse, type Step } from "./step.ts";
import { imageList } from "./store-rows.ts";

type CampusPage = Extract<Page, { name: "campus" }>;
type ElsewherePage = Extract<Page, { name: "elsewhere" }>;

/** A room that a server has told. */
type Told = CampusRoomView & { readonly server: string };

const toldRooms = ({ campus }: Model): Told[] =>
  (campus?.rooms ?? []).flatMap((room) =>
    room.server === null ? [] : [{ ...room, server: room.server }],
  );

/** Lines around the list: titles, what is known of the chosen room, keys. */
const frameLines = 12;

const idsOf = (rooms: readonly Told[]): string[] =>
  rooms.map(({ name, server }) => `${server} ${name}`);

export const firstRoom = (model: Model): Choice => choiceAt(idsOf(toldRooms(model)), 0);

export function campusRows(model: Model, page: CampusPage, size: ScreenSize): Row[] {
  const { t, told } = speechOf(model);
  const { columns, lines } = size;
  const { campus } = model;
  const rooms = toldRooms(model);
  if (campus === null) return [line(t("look.asking"))];
  const trouble =
    campus.trouble === null ? [] : paragraph(told(campus.trouble), columns, "warn").slice(0, 2);
  if (rooms.length === 0) return [...trouble, line(t("campus.none"))];
  const shown = Math.max(1, lines - frameLines);
  const chosen = placeOf(page.chosen, idsOf(rooms));
  const from = visibleFrom(chosen, rooms.length, shown);
  const width = Math.floor((columns - 16) / 3);
  const heading = `${cell(t("campus.room"), width)} ${cell(t("campus.server"), width)} ${cell(t("campus.pcs"), 9, "right")}  ${t("session")}`;
  return [
    ...trouble,
    line(t("campus.title"), "bold"),
    blank,
    line(heading, "bold"),
    ...rooms.slice(from, from + shown).map((room, index) => {
      const { name, server, online, pcs, session, since } = room;
      const counts = cell(t("amount.of", { some: `${online}`, all: `${pcs}` }), 9, "right");
      const text = `${cell(name, width)} ${cell(server, width)} ${counts}  ${session ?? ""}`;
      return line(text, from + index === chosen ? "chosen" : since === null ? "plain" : "warn");
    }),
    blank,
    ...factRows(model, rooms[chosen], columns),
  ];
}

function factRows(model: Model, room: Told | undefined, columns: number): Row[] {
  if (room === undefined) return [];
  const { t, told, date } = speechOf(model);
  const { server, owner, since, running } = room;
  return [
    ...(since === null
      ? []
      : paragraph(t("campus.away", { server, time: date(since) }), columns, "warn")),
    ...(owner === null || owner === server
      ? []
      : paragraph(t("campus.copy", { server, owner }), columns, "warn")),
    ...(running === null ? [] : paragraph(told(running), columns)),
  ];
}

export function pressAtCampus(model: Model, ui: Ui, page: CampusPage, key: Key): Step {
  const { t } = speechOf(model);
  const rooms = toldRooms(model);
  const room = rooms[placeOf(page.chosen, idsOf(rooms))];
  if (room === undefined) return open(ui, page);
  const { name, server, session } = room;
  const whom = `${name} (${server})`;
  const path = `/rooms/${encodeURIComponent(name)}`;
  switch (key.name) {
    case "r":
      return open(ui, { name: "elsewhere", room: name, server, chosen: firstImage(model) });
    case "w":
      return {
        ui,
        effect: {
          type: "calls",
          calls: [{ method: "post", path: `${path}/wake`, body: { timeout: 0 }, server }],
          done: t("wake.done", { names: whom }),
        },
      };
    case "s": {
      if (session === null) return refuse(ui, t("no.session"));
      const what = `${session}, ${whom}`;
      return open(ui, {
        name: "confirm",
        question: t("stop.ask", { session: what }),
        warnings: room.running === null ? [] : [room.running],
        from: 0,
        calls: [
          {
            method: "post",
            path: `/sessions/${encodeURIComponent(session)}/stop`,
            body: {},
            server,
          },
        ],
        done: t("stop.done", { session: what }),
      });
    }
    default:
      return open(ui, { ...page, chosen: chosenBy(key, page.chosen, idsOf(rooms)) });
  }
}

/** The images of the campus, to be restored to the room. */
export function elsewhereRows(model: Model, page: ElsewherePage, size: ScreenSize): Row[] {
  const speech = speechOf(model);
  const { room, server } = page;
  const { columns, lines } = size;
  const images = imagesToChoose(model);
  return [
    ...paragraph(speech.t("campus.ask", { room, server }), columns, "bold"),
    blank,
    ...imageList(images, placeOf(page.chosen, imageIds(model)), speech, {
      columns,
      lines: lines - 7,
    }),
  ];
}

/** The command line shows which disks would be overwritten there, and asks for the word. */
export function pressAtElsewhere(model: Model, ui: Ui, page: ElsewherePage, key: Key): Step {
  if (key.name !== "enter")
    return open(ui, { ...page, chosen: chosenBy(key, page.chosen, imageIds(model)) });
  const image = chosenImage(model, page.chosen);
  if (image === undefined) return open(ui, page);
  const line = `--server-name ${page.server} restore ${imageName(image)} --room ${page.room}`;
  return { ui: toBase(ui), effect: { type: "command", line } };
}
