/**
 * Where the person at the PC is in the menu, and where a key leads. Pure: page and key in, the next page
 * and at most one request out.
 */

import type { MenuAction } from "../../core/agent/desk.ts";
import { imageName } from "../../core/image/manifest.ts";
import { sectorMisfitOf } from "../../core/image/sector-misfit.ts";
import { type Key, moved, typed } from "../../core/screen/keys.ts";
import { wipeMethodsOf } from "../../core/screen/wipe.ts";
import { diskReference } from "../../core/session/target.ts";
import { imageNameRule, nameFault } from "../../core/wire/names.ts";
import { pinLimit } from "../../core/wire/trust.ts";
import type { DiskView } from "../../core/wire/views.ts";
import {
  eraseWord,
  exits,
  home,
  isAskLetter,
  items,
  type Page,
  type Purpose,
  type Work,
} from "./pages.ts";
import { type MenuSpeech, speechOf } from "./speech.ts";
import type { MenuView } from "./view.ts";

export interface Step {
  readonly page: Page;
  readonly action: MenuAction | null;
}

const to = (page: Page, action: MenuAction | null = null): Step => ({ page, action });

/** The page after `view` has changed: a task takes the screen, and no page asks about what is gone. */
export function settled(page: Page, view: MenuView): Page {
  const underWay = view.task !== null && view.task.outcome === null;
  if (page.name === "pin") {
    return view.unlocks !== null && (view.task === null || underWay) ? page : home();
  }
  if (page.name === "stop") return underWay ? page : home();
  if (view.task !== null) return home();
  if (view.isLocked && !openPages.has(page.name)) return home();
  const has = (disk: DiskView): boolean => view.disks.some(({ path }) => path === disk.path);
  if ("disk" in page && !has(page.disk)) {
    return home(0, speechOf(view).t("said.removed", { disk: page.disk.path }));
  }
  return page;
}

/** What a locked menu shows: it waits, takes the PIN, and asks for what the server decides. */
const openPages: ReadonlySet<Page["name"]> = new Set([
  ...(["home", "wait", "pin", "imageName", "disks", "methods", "erase"] as const),
  ...(["capture", "castName", "cast"] as const),
]);

/** What a key does on this page. */
export function press(before: Page, key: Key, view: MenuView): Step {
  const page = settled(before, view);
  if (page.name === "pin") return pressAtPin(page, key, view);
  if (view.task !== null) return pressAtTask(page, key, view);
  if (view.waiting !== null) {
    const isOver = key.name === "escape" || key.name === "C-c";
    return isOver ? to(home(), { action: "withdraw" }) : to(page);
  }
  if (key.name === "escape" || key.name === "C-c") return to(home());
  const { t } = speechOf(view);
  switch (page.name) {
    case "home":
      return pressAtHome(page, key, view);
    case "wait":
      return to(home());
    case "images":
      return pressAtImages(page, key, view);
    case "imageName": {
      if (key.name !== "enter") {
        return to({ ...page, value: typed(page.value, key, imageReferenceLimit) });
      }
      if (page.value === "") return to(page);
      return chooseDisk({ kind: "restore", reference: page.value, image: null }, view, null);
    }
    case "methods": {
      const methods = wipeMethodsOf(view.disks);
      const chosen = methods[page.chosen];
      if (key.name === "enter" && chosen !== undefined) {
        return chooseDisk({ kind: "wipe", method: chosen }, view, null);
      }
      return to({ ...page, chosen: choice(page.chosen, key, methods.length) });
    }
    case "exits":
      return pressAtExits(page, key);
    case "hardware":
      return to(home());
    case "check":
      return key.name === "r" || key.name === "R" ? to(page, { action: "check" }) : to(home());
    case "disks": {
      const disk = view.disks[page.chosen];
      if (key.name === "enter" && disk !== undefined) return withDisk(page.purpose, disk, view);
      return to({ ...page, chosen: choice(page.chosen, key, view.disks.length) });
    }
    case "erase": {
      if (key.name !== "enter") {
        return to({ ...page, value: typed(page.value, key, 16), refused: false });
      }
      if (page.value !== eraseWord) return to({ ...page, value: "", refused: true });
      const said = t("said.asked", { work: workText(page.work, t) });
      return to(home(0, said), wishOf(page, view));
    }
    case "capture": {
      if (key.name !== "enter") {
        return to({ ...page, value: typed(page.value, key, imageNameRule.limit), refused: false });
      }
      if (nameFault(imageNameRule, page.value) !== null) return to({ ...page, refused: true });
      return to(home(0, t("said.capture", { image: page.value })), {
        action: "capture",
        name: page.value,
        disk: diskReference(page.disk, view.disks),
      });
    }
    case "castName": {
      if (key.name !== "enter") {
        return to({ ...page, value: typed(page.value, key, imageNameRule.limit), refused: false });
      }
      const { disk, value } = page;
      if (value !== "" && nameFault(imageNameRule, value) !== null)
        return to({ ...page, refused: true });
      const saveAs = value === "" ? null : value;
      const { room } = view.pc;
      const isShown = room !== null && !view.isLocked;
      const action = isShown ? ({ action: "targets", room } as const) : null;
      return to({ name: "cast", disk, saveAs, value: "", refused: false }, action);
    }
    case "cast": {
      if (key.name !== "enter") {
        return to({ ...page, value: typed(page.value, key, 64), refused: false });
      }
      const { disk, saveAs, value } = page;
      const { room } = view.pc;
      // The page shows what will be overwritten before it asks; in a locked menu an operator is shown it.
      const isShown = view.isLocked || view.targets?.some(({ name }) => name !== view.pc.name);
      if (!isShown) return to({ ...page, value: "" });
      if (room === null || value !== room) return to({ ...page, value: "", refused: true });
      return to(home(0, t("said.cast", { room })), {
        action: "cast",
        room,
        saveAs,
        disk: diskReference(disk, view.disks),
      });
    }
    case "power":
      return key.name === "y" || key.name === "Y"
        ? to(home(0, t(`said.${page.action}`)), { action: page.action })
        : to(home());
    case "stop":
      return to(home());
  }
}

/** What will happen to the disk, as a title or after `asked the server to`. */
export const workText = (work: Work, t: MenuSpeech["t"]): string =>
  work.kind === "restore"
    ? t("work.restore", { image: work.reference })
    : t("work.erase", { method: t(`method.${work.method}`) });

function wishOf({ work, disk }: Extract<Page, { name: "erase" }>, { disks }: MenuView): MenuAction {
  return work.kind === "restore"
    ? { action: "restore", image: work.reference, disk: diskReference(disk, disks) }
    : { action: "wipe", method: work.method, disk: diskReference(disk, disks) };
}

/** NAME@VERSION, with a version of so many digits as anyone will see. */
const imageReferenceLimit = imageNameRule.limit + 8;

function pressAtPin(page: Extract<Page, { name: "pin" }>, key: Key, view: MenuView): Step {
  if (key.name === "escape" || key.name === "C-c") return to(home());
  if (key.name === "tab" && page.beyond !== null) return openItem(page.beyond, 0, view);
  if (key.name !== "enter") return to({ ...page, value: typed(page.value, key, pinLimit) });
  return to(home(), page.value === "" ? null : { action: "unlock", pin: page.value });
}

function pressAtTask(page: Page, key: Key, view: MenuView): Step {
  if (view.task?.outcome !== null) return to(home(), { action: "dismiss" });
  if (page.name === "stop") {
    return key.name === "y" || key.name === "Y" ? to(home(), { action: "stop" }) : to(home());
  }
  const asked = key.name === "s" || key.name === "S" || key.name === "C-c";
  if (!asked) return to(page);
  // Without a server no PIN can be checked, and work has to stop all the same.
  const isHeld = view.isLocked && view.server.state === "connected";
  return to(isHeld ? { name: "pin", value: "", beyond: null } : { name: "stop" });
}

/** The seat that Enter takes while the room is in its seat walk and this PC has no seat in it. */
export function offeredSeat(
  view: MenuView,
): { readonly room: string; readonly seat: string } | null {
  const walk = view.place?.walk ?? null;
  if (walk === null || walk.next === null) return null;
  const isSeated = view.place?.seat !== null && view.pc.room === walk.room;
  return isSeated ? null : { room: walk.room, seat: walk.next };
}

function pressAtHome(page: Extract<Page, { name: "home" }>, key: Key, view: MenuView): Step {
  if (key.name === "enter" && offeredSeat(view) !== null) return to(page, { action: "take-seat" });
  const letter = key.name.toLowerCase();
  const named = items.findIndex((item, index) => item === letter || letter === `${index + 1}`);
  const chosen = key.name === "enter" ? page.chosen : named;
  const way = exits.find((exit) => exit.letter === letter);
  if (letter === "u" && view.unlocks !== null) {
    return to({ name: "pin", value: "", beyond: null });
  }
  if (way === undefined && chosen === -1) {
    return to(home(moved(page.chosen, key, items.length, items.length)));
  }
  const item = way === undefined ? items[chosen] : undefined;
  if (view.isLocked && item !== "w") {
    const beyond = item !== undefined && isAskLetter(item) ? item : null;
    if (view.unlocks !== null) return to({ name: "pin", value: "", beyond });
    return to(home(chosen, speechOf(view).t("said.locked")));
  }
  if (way !== undefined) return to({ name: "power", action: way.action });
  return item === undefined ? to(page) : openItem(item, chosen, view);
}

/** In a locked menu nothing is listed, and what is chosen is asked for. */
function openItem(letter: (typeof items)[number], chosen: number, view: MenuView): Step {
  const list: MenuAction | null = view.isLocked ? null : { action: "images" };
  switch (letter) {
    case "w":
      return to({ name: "wait" });
    case "c":
      return chooseDisk({ kind: "capture" }, view, list);
    case "t":
      if (view.pc.room === null) return to(home(chosen, speechOf(view).t("said.notPlaced")));
      return chooseDisk({ kind: "cast" }, view, list);
    case "r":
      return view.isLocked
        ? to({ name: "imageName", value: "" })
        : to({ name: "images", chosen: 0 }, list);
    case "e":
      return to({ name: "methods", chosen: 0 });
    case "n":
      return to({ name: "check" }, { action: "check" });
    case "h":
      return to({ name: "hardware" });
    case "s":
      return to(home(chosen), { action: "shell" });
    case "x":
      return to({ name: "exits", chosen: 0 });
  }
}

function pressAtExits(page: Extract<Page, { name: "exits" }>, key: Key): Step {
  const way = exits.find(({ letter }) => letter === key.name.toLowerCase());
  const action = way ?? (key.name === "enter" ? exits[page.chosen] : undefined);
  if (action !== undefined) return to({ name: "power", action: action.action });
  return to({ ...page, chosen: choice(page.chosen, key, exits.length) });
}

function pressAtImages(page: Extract<Page, { name: "images" }>, key: Key, view: MenuView): Step {
  if (key.name === "r" || key.name === "R") return to(page, { action: "images" });
  const images = view.images ?? [];
  const image = images[page.chosen];
  if (key.name === "enter" && image !== undefined) {
    return chooseDisk({ kind: "restore", reference: imageName(image), image }, view, null);
  }
  return to({ ...page, chosen: choice(page.chosen, key, images.length) });
}

/** Asks for the disk only if there are several. */
function chooseDisk(purpose: Purpose, view: MenuView, action: MenuAction | null): Step {
  const [only, ...others] = view.disks;
  if (only === undefined) return to(home(0, speechOf(view).t("said.noDisk")), action);
  if (others.length > 0) return to({ name: "disks", chosen: 0, purpose }, action);
  return { ...withDisk(purpose, only, view), action };
}

function withDisk(purpose: Purpose, disk: DiskView, view: MenuView): Step {
  const { t, told } = speechOf(view);
  if (purpose.kind === "capture") return to({ name: "capture", disk, value: "", refused: false });
  if (purpose.kind === "cast") return to({ name: "castName", disk, value: "", refused: false });
  if (purpose.kind === "wipe") {
    if (purpose.method === "secure-erase" && disk.secureErase !== true)
      return to(home(0, t("said.noSecureErase", { disk: disk.path })));
    return to({ name: "erase", work: purpose, disk, value: "", refused: false });
  }
  const { image } = purpose;
  const misfit = image === null ? null : sectorMisfitOf(image, disk.logicalSector);
  if (image !== null && misfit !== null) {
    const bytes = { imageBytes: image.logicalSector, diskBytes: disk.logicalSector };
    const facts = { image: imageName(image), disk: disk.path, ...bytes, why: told(misfit) };
    return to(home(0, t("said.sectors", facts)));
  }
  return to({ name: "erase", work: purpose, disk, value: "", refused: false });
}

/** Arrows, or the line's number where there are fewer than ten. */
function choice(chosen: number, key: Key, count: number): number {
  const number = /^[1-9]$/.test(key.name) ? Number(key.name) - 1 : -1;
  if (number >= 0 && number < count && count < 10) return number;
  return Math.max(0, moved(chosen, key, count, 10));
}
