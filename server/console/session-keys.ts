/** What is done to a session: from the list, a PC's page, or the session's own. */
import { diskIdentity } from "../../core/screen/disk.ts";
import { type Key, moved } from "../../core/screen/keys.ts";
import type { SessionView } from "../../core/wire/views.ts";
import type { Call } from "./api.ts";
import type { Step } from "./keys.ts";
import type { Model } from "./model.ts";
import { chosenPc, isRunning, type Page, roomSessions, toBase, type Ui } from "./state.ts";

const stay = (ui: Ui): Step => ({ ui, effect: null });
const open = (ui: Ui, page: Page): Step => stay({ ...ui, page });
const refuse = (ui: Ui, text: string): Step => stay({ ...ui, said: { text, good: false } });

/** Through its PCs, and on to the room's other sessions; what is done to a session is done to this one. */
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
  if (!isRunning(session)) return refuse(ui, `${title} is over`);
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
        ? ["There will be no image."]
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
    return refuse(ui, "the PC under the cursor is not in a running session");
  }
  const disk = member.disk === null ? "Its disk" : diskIdentity(member.disk);
  return open(ui, {
    name: "confirm",
    question: `Take ${pc.name} out of ${title}?`,
    warnings: [`${disk} will be incomplete until it is restored again.`],
    calls: [{ method: "post", path: `${pathOf(session)}/drop`, body: { pc: pc.id } }],
    done: `${pc.name} is out of ${title}`,
  });
}
