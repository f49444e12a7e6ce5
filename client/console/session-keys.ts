/** Keys that act on a session: on the list, on a PC's page, and on the session's own page. */
import { diskIdentity } from "../../core/screen/disk.ts";
import { orderKeyLines, orderKeys, shownOf } from "../../core/screen/identity.ts";
import { type Key, moved } from "../../core/screen/keys.ts";
import { isRunning } from "../../core/screen/pc-state.ts";
import { foreseenTarget } from "../../core/screen/target.ts";
import type { PcView, SessionView } from "../../core/wire/views.ts";
import type { Call } from "./api.ts";
import type { Model } from "./model.ts";
import { chosenPc, overwriteWord, type Page, roomSessions, toBase, type Ui } from "./state.ts";
import { open, refuse, type Step } from "./step.ts";

/** Moves through the session's PCs and to the room's other sessions. All keys act on the session shown. */
export function pressAtSession(
  model: Model,
  ui: Ui,
  at: Extract<Page, { name: "session" }>,
  key: Key,
  page: number,
): Step {
  const session = model.sessions.get(at.id);
  if (session === undefined) return { ui: toBase(ui), effect: null };
  switch (key.name) {
    case "escape":
    case "q":
    case "v":
      return { ui: toBase(ui), effect: null };
    case "left":
    case "right":
    case "tab": {
      const all = roomSessions(model, ui.room);
      const step = key.name === "left" ? all.length - 1 : 1;
      const next = all[(all.indexOf(session) + step) % all.length] ?? session;
      return open(ui, { name: "session", id: next.id, from: 0 });
    }
    case "?":
      return open(ui, { name: "help" });
    case "y":
      return open(ui, historyOf("session", session.id, `session ${session.id}`, at));
    case "t":
      return pressRetry(model, ui, session);
    case "g":
    case "s":
      return pressSession(ui, session, key.name);
    default: {
      const last = Math.max(0, session.members.length - page);
      const from = Math.min(last, moved(at.from, key, session.members.length, page));
      return open(ui, { ...at, from });
    }
  }
}

const pathOf = ({ id }: SessionView): string => `/sessions/${encodeURIComponent(id)}`;
const titleOf = ({ id, kind, image }: SessionView): string =>
  `session ${id} (${kind} of ${image ?? "?"})`;

export function pressSession(ui: Ui, session: SessionView, key: "s" | "g"): Step {
  const path = pathOf(session);
  const title = titleOf(session);
  if (!isRunning(session)) return refuse(ui, `${title} has ended`);
  if (key === "g") {
    if (session.state !== "gathering") return refuse(ui, `${title} has started already`);
    const calls: Call[] = [{ method: "post", path: `${path}/start`, body: {} }];
    return { ui, effect: { type: "calls", calls, done: `started ${title}` } };
  }
  const pending = session.members.filter(({ result }) => result === "pending").length;
  return open(ui, {
    name: "confirm",
    question: `Stop ${title}?`,
    warnings:
      session.kind === "capture"
        ? ["No image will be stored."]
        : session.kind === "wipe"
          ? ["The disk will be half wiped."]
          : [`The disks of ${pending} PCs will be incomplete until they are restored again.`],
    calls: [{ method: "post", path: `${path}/stop`, body: {} }],
    done: `stopped ${title}`,
  });
}

export function pressDrop(model: Model, ui: Ui, session: SessionView): Step {
  const title = titleOf(session);
  const pc = chosenPc(model, ui);
  const member = session.members.find((each) => each.pc === pc?.id);
  if (pc === undefined || member?.result !== "pending") {
    return refuse(ui, "this PC is not in a running session");
  }
  const disk = member.disk === null ? "Its disk" : diskIdentity(member.disk);
  return open(ui, {
    name: "confirm",
    question: `Take ${pc.name} out of ${title}?`,
    warnings: [`${disk} will be incomplete until it is restored again.`],
    calls: [{ method: "post", path: `${pathOf(session)}/drop`, body: { pc: pc.id } }],
    done: `took ${pc.name} out of ${title}`,
  });
}

/** Lets a PC that failed or was taken out back into the session that it was in. */
export function pressAdmit(model: Model, ui: Ui): Step {
  const pc = chosenPc(model, ui);
  const part = pc === undefined ? undefined : model.parts.get(pc.id);
  if (pc === undefined || part === undefined || !isRunning(part.session)) {
    return refuse(ui, "this PC was not in a session that is still running");
  }
  if (part.member.result === "pending") return refuse(ui, `${pc.name} is in the session already`);
  const keys = orderKeys([pc], model.rooms.values());
  const body = { pc: pc.id, overwrite: pc.name, shown: shownOf(keys) };
  return open(ui, {
    ...overwritten(model, [pc]),
    calls: [{ method: "post", path: `${pathOf(part.session)}/admit`, body }],
    done: `let ${pc.name} in again`,
  });
}

/** Starts a new session for the PCs that an ended session did not verify. */
function pressRetry(model: Model, ui: Ui, session: SessionView): Step {
  if (isRunning(session))
    return refuse(ui, "this session is still running: on the list, a lets a PC in again");
  const members = session.members.filter(({ result }) => result !== "verified");
  if (members.length === 0) return refuse(ui, "every PC is verified");
  const pcs = members.flatMap(({ pc }) => model.pcs.get(pc) ?? []);
  const overwrite = members.map(({ name }) => name).join(",");
  return open(ui, {
    ...overwritten(model, pcs),
    calls: [{ method: "post", path: `${pathOf(session)}/retry`, body: { overwrite } }],
    done: `trying again with ${overwrite}`,
  });
}

/** What the typed word is for: the PCs, the disk that each will lose, and what happens afterwards. */
export const overwritten = (
  model: Model,
  pcs: readonly PcView[],
  afterwards: readonly string[] = [],
) => ({
  name: "word" as const,
  title: `EVERYTHING ON ${pcs.length === 1 ? "THIS DISK" : `THESE ${pcs.length} DISKS`} WILL BE LOST`,
  facts: [
    ...pcs.map((pc) => {
      const request = { named: null, failingDisks: [], sectors: null };
      return `${pc.name}  ${foreseenTarget(pc, model.rooms.values(), request).text}`;
    }),
    ...orderKeyLines(orderKeys(pcs, model.rooms.values())),
    ...afterwards,
  ],
  word: overwriteWord(model, { room: null, pcs: pcs.map(({ id }) => id) }),
  value: "",
  refused: false,
});

export const look = (title: string, path: string, from: "top" | "end", back: Page): Page => ({
  name: "look",
  title,
  path,
  from,
  asks: "again",
  back,
});

/** What the network of a room is like: measured once, and shown. */
export const roomCheck = (room: string, back: Page): Page => ({
  name: "look",
  title: `The network of room ${room}`,
  path: `/rooms/${encodeURIComponent(room)}/check`,
  from: "top",
  asks: "once",
  back,
});

export const historyOf = (
  subject: "pc" | "room" | "session",
  id: string,
  title: string,
  back: Page,
): Page =>
  look(`The history of ${title}`, `/history?${subject}=${encodeURIComponent(id)}`, "end", back);
