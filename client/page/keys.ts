/** Single keys that act as in the console, while nothing is typed and no dialog is open. */
import { neighbour, seatMap } from "../../core/screen/seat-map.ts";
import { type Act, actOn, acts, atHand } from "./acts.ts";
import { send } from "./api.ts";
import { type App, ask } from "./app.ts";
import { yesAction } from "./orders/sessions.ts";
import { byUrgency, filteredPcs, roomNames, roomSessions } from "./room-view.ts";
import { hrefOf } from "./route.ts";
import { keys } from "./settings.ts";
import { t, told } from "./words.ts";

/** The keys of PCs and sessions, each with what it does, in the order of the help. */
export const actKeys = [
  ["r", acts.restore, "restore"],
  ["c", acts.capture, "capture"],
  ["k", acts.cast, "cast"],
  ["w", acts.wake, "power.wake"],
  ["b", acts.reboot, "power.reboot"],
  ["p", acts.poweroff, "power.poweroff"],
  ["l", acts.bootDisk, "power.boot-disk"],
  ["n", acts.edit, "edit"],
  ["m", acts.move, "move"],
  ["f", acts.forget, "forget"],
  ["u", acts.identify, "identify"],
  ["A", acts.admit, "admit"],
  ["K", acts.revoke, "revoke"],
  ["z", acts.wipe, "wipe"],
  ["g", acts.start, "start"],
  ["s", acts.stop, "stop"],
  ["x", acts.drop, "drop"],
  ["a", acts.letIn, "letIn"],
] as const;

/** The keys that lead somewhere. */
export const placeKeys = [
  ["?", "help.keys"],
  ["/", "filter"],
  ["t", "help.view"],
  ["[ ]", "help.rooms"],
  ["←↑↓→", "help.arrows"],
  ["Space", "help.mark"],
  ["Enter", "help.open"],
  ["v", "session"],
  ["i", "images"],
  ["R", "room.settings"],
  ["y n", "help.answer"],
  ["Esc", "help.escape"],
] as const;

export function listenToKeys(app: App): void {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (app.account.value === null || app.overlay.value !== null || isTyping(event.target)) return;
    if (keys.value === "off" && !/^(Arrow|Esc)/.test(event.key)) return;
    if (press(app, event.key)) event.preventDefault();
  });
}

const isTyping = (target: EventTarget | null): boolean =>
  target instanceof Element &&
  target.closest("input:not([type=checkbox]), textarea, select, .xterm") !== null;

/** Answers whether the key meant something. */
function press(app: App, key: string): boolean {
  const { route } = app;
  if (key === "?") {
    app.overlay.value = { kind: "help" };
    return true;
  }
  if (pressAnswer(app, key)) return true;
  if (key === "i") return goTo(hrefOf({ page: "images" }));
  const at = route.value;
  if (at.page === "wall") return pressOnWall(app, at.room, key);
  if (at.page === "pc") {
    if (key === "Escape") {
      const room = app.store.pcs.peek(at.id)?.room ?? null;
      return goTo(hrefOf({ page: "wall", room }));
    }
    if (key === "y") return goTo(hrefOf({ page: "history", of: "pc", id: at.id }));
    const pc = app.store.pcs.peek(at.id);
    return pc !== undefined && pressAct(app, key, (act) => actOn(app, act, pc));
  }
  if (key === "Escape") {
    history.back();
    return true;
  }
  return false;
}

const goTo = (hash: string): boolean => {
  location.hash = hash;
  return true;
};

/** The oldest request is answered; a yes in a dialog of its own. */
function pressAnswer(app: App, key: string): boolean {
  const [request] = app.store.requests.all();
  if (request === undefined || !app.mayOperate.value || (key !== "y" && key !== "n")) return false;
  if (key === "y") ask(app, yesAction(request));
  else answerNo(app, request);
  return true;
}

export function answerNo(
  app: App,
  { id, name }: { readonly id: string; readonly name: string },
): void {
  send({ method: "post", path: `/requests/${encodeURIComponent(id)}/no` }).then(
    () => {
      app.said.value = { text: t("request.no", { pc: name }), isGood: true };
    },
    (error: Error) => {
      app.said.value = { text: told(error.message), isGood: false };
    },
  );
}

function pressOnWall(app: App, room: string | null, key: string): boolean {
  const { store, chosen, marked, filter, view } = app;
  if (key.startsWith("Arrow")) return moveTo(app, room, key.slice(5).toLowerCase());
  switch (key) {
    case " ": {
      const { value } = chosen;
      if (value === null || !document.activeElement?.closest("[data-pc]")) return false;
      const next = new Set(marked.value);
      if (!next.delete(value)) next.add(value);
      marked.value = next;
      return true;
    }
    case "/":
      document.querySelector<HTMLInputElement>("input.filter")?.focus();
      return true;
    case "t":
      view.value = view.value === "map" ? "list" : "map";
      return true;
    case "Escape":
      filter.value = "";
      marked.value = new Set();
      app.isArranging.value = false;
      return true;
    case "[":
    case "]": {
      const rooms = [null, ...roomNames(store)];
      const step = key === "[" ? rooms.length - 1 : 1;
      return goTo(
        hrefOf({ page: "wall", room: rooms[(rooms.indexOf(room) + step) % rooms.length] ?? null }),
      );
    }
    case "v": {
      const [session] = roomSessions(store, room);
      return session !== undefined && goTo(hrefOf({ page: "session", id: session.id }));
    }
    case "R":
      return room !== null && goTo(hrefOf({ page: "room", name: room }));
    default:
      return pressAct(app, key, (act) => act(app, room, atHand(app, room)));
  }
}

function pressAct(app: App, key: string, run: (act: Act) => void): boolean {
  const found = actKeys.find(([each]) => each === key);
  if (found === undefined || !app.mayOperate.value) return false;
  run(found[1]);
  return true;
}

/** Moves the focus from PC to PC: on the map by where they stand, in the list up and down. */
function moveTo(app: App, room: string | null, way: string): boolean {
  const { store, chosen, view, filter } = app;
  const focused = document.activeElement?.closest("[data-pc]") ?? null;
  if (
    focused === null &&
    document.activeElement !== document.body &&
    document.activeElement?.tagName !== "H1"
  )
    return false;
  const pcs = filteredPcs(store, room, filter.value);
  const isMap = room !== null && view.value === "map";
  const from = focused?.getAttribute("data-pc") ?? null;
  const to =
    from === null
      ? (chosen.value ?? pcs[0]?.id ?? null)
      : isMap
        ? neighbour(seatMap(store.rooms.peek(room ?? "")?.seats ?? [], pcs), from, {
            name: way,
            text: "",
          })
        : listed(
            byUrgency(store, pcs).map(({ id }) => id),
            from,
            way,
          );
  if (to === null) return false;
  chosen.value = to;
  const cell = document.querySelector(`[data-pc="${CSS.escape(to)}"]`);
  const target = cell instanceof HTMLButtonElement ? cell : cell?.querySelector("a");
  target?.focus();
  return true;
}

function listed(ids: readonly string[], from: string, way: string): string | null {
  const step = way === "down" ? 1 : way === "up" ? -1 : 0;
  return ids[Math.min(ids.length - 1, Math.max(0, ids.indexOf(from) + step))] ?? null;
}
