/** Keys that act on a session: on the list, on a PC's page, and on the session's own page. */
import { isTriedAgain, triedAgain } from "../../core/screen/again.ts";
import { diskIdentity } from "../../core/screen/disk.ts";
import { type OrderKeys, orderKeys, shownOf } from "../../core/screen/identity.ts";
import { type Key, moved } from "../../core/screen/keys.ts";
import { isRunning } from "../../core/screen/pc-state.ts";
import { subjectOf } from "../../core/screen/report.ts";
import { anyTarget, type TargetRequest, targetOf } from "../../core/screen/target.ts";
import type { PcView, SessionView } from "../../core/wire/views.ts";
import type { Call } from "./api.ts";
import { lossesOf } from "./losses.ts";
import type { Model } from "./model.ts";
import { speechOf } from "./speech.ts";
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
  const { t } = speechOf(model);
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
      return open(ui, { name: "help", from: 0 });
    case "y":
      return open(
        ui,
        historyOf(model, "session", session.id, t("title.ofSession", { session: session.id }), at),
      );
    case "t":
      return pressRetry(model, ui, session);
    case "g":
    case "s":
      return pressSession(model, ui, session, key.name);
    default: {
      const last = Math.max(0, session.members.length - page);
      const from = Math.min(last, moved(at.from, key, session.members.length, page));
      return open(ui, { ...at, from });
    }
  }
}

const pathOf = ({ id }: SessionView): string => `/sessions/${encodeURIComponent(id)}`;
/** `session s3 (wipe of pc01)`. */
function titleOf(model: Model, session: SessionView): string {
  const { t } = speechOf(model);
  const { id, kind } = session;
  const image = subjectOf(session, (pc) => model.pcs.get(pc)?.name);
  return t("title.session", { session: id, kind: t(`kind.${kind}`), image });
}

export function pressSession(model: Model, ui: Ui, session: SessionView, key: "s" | "g"): Step {
  const path = pathOf(session);
  const { t } = speechOf(model);
  const title = titleOf(model, session);
  if (!isRunning(session)) return refuse(ui, t("no.running", { session: title }));
  if (key === "g") {
    if (session.state !== "gathering") return refuse(ui, t("no.gathering", { session: title }));
    const calls: Call[] = [{ method: "post", path: `${path}/start`, body: {} }];
    return { ui, effect: { type: "calls", calls, done: t("start.done", { session: title }) } };
  }
  const pending = session.members.filter(({ result }) => result === "pending").length;
  return open(ui, {
    name: "confirm",
    question: t("stop.ask", { session: title }),
    warnings:
      session.kind === "capture"
        ? [t("stop.capture")]
        : session.kind === "wipe"
          ? [t("stop.wipe")]
          : [t("stop.restore", { count: pending })],
    from: 0,
    calls: [{ method: "post", path: `${path}/stop`, body: {} }],
    done: t("stop.done", { session: title }),
  });
}

export function pressDrop(model: Model, ui: Ui, session: SessionView): Step {
  const { t } = speechOf(model);
  const title = titleOf(model, session);
  const pc = chosenPc(model, ui);
  const member = session.members.find((each) => each.pc === pc?.id);
  if (pc === undefined || member?.result !== "pending") {
    return refuse(ui, t("no.part"));
  }
  const disk = member.disk === null ? t("drop.itsDisk") : diskIdentity(member.disk);
  return open(ui, {
    name: "confirm",
    question: t("drop.ask", { pc: pc.name, session: title }),
    warnings: [t("drop.warning", { disk })],
    from: 0,
    calls: [{ method: "post", path: `${pathOf(session)}/drop`, body: { pc: pc.id } }],
    done: t("drop.done", { pc: pc.name, session: title }),
  });
}

/** Lets a PC that failed or was taken out back into the session that it was in. */
export function pressAdmit(model: Model, ui: Ui): Step {
  const { t } = speechOf(model);
  const pc = chosenPc(model, ui);
  const part = pc === undefined ? undefined : model.parts.get(pc.id);
  if (pc === undefined || part === undefined || !isRunning(part.session)) {
    return refuse(ui, t("no.wasPart"));
  }
  if (part.member.result === "pending") return refuse(ui, t("no.inAlready", { pc: pc.name }));
  const keys = orderKeys([pc], model.rooms.values());
  const body = { pc: pc.id, overwrite: pc.name, shown: shownOf(keys) };
  return open(ui, {
    ...overwritten(model, [pc], { request: targetOf(part.session) }),
    calls: [{ method: "post", path: `${pathOf(part.session)}/admit`, body }],
    done: t("letIn.done", { pc: pc.name }),
  });
}

/** Starts a new session for the PCs that an ended session did not verify. */
function pressRetry(model: Model, ui: Ui, session: SessionView): Step {
  const { t } = speechOf(model);
  if (isRunning(session)) return refuse(ui, t("no.retry"));
  if (!isTriedAgain(session.kind)) return refuse(ui, t("no.again"));
  const pcs = triedAgain(session, (id) => model.pcs.get(id));
  if (pcs.length === 0) return refuse(ui, t("no.failures"));
  const overwrite = pcs.map(({ name }) => name).join(",");
  return open(ui, {
    ...overwritten(model, pcs, { request: targetOf(session) }),
    calls: [{ method: "post", path: `${pathOf(session)}/retry`, body: { overwrite } }],
    done: t("retry.done", { names: overwrite }),
  });
}

/** What the typed word is for: the PCs, the disk that each will lose, and what happens afterwards. */
export function overwritten(
  model: Model,
  pcs: readonly PcView[],
  {
    request = anyTarget,
    keys = orderKeys(pcs, model.rooms.values()),
    afterwards = [],
  }: {
    readonly request?: TargetRequest;
    /** Of all that the order is about. */
    readonly keys?: OrderKeys;
    readonly afterwards?: readonly string[];
  } = {},
) {
  const { warnings, disks, leftOut } = lossesOf(model, pcs, keys, request);
  return {
    name: "word" as const,
    title: speechOf(model).t("lost", { count: pcs.length }),
    warnings,
    facts: [...disks.map(({ pc, text }) => `${pc}  ${text}`), ...leftOut, ...afterwards],
    word: overwriteWord(model, { room: null, pcs: pcs.map(({ id }) => id) }),
    value: "",
    refused: false,
    from: 0,
  };
}

export const look = (title: string, path: string, from: "top" | "end", back: Page): Page => ({
  name: "look",
  title,
  path,
  from,
  asks: "again",
  back,
});

/** What the network of a room is like: measured once, and shown. */
export const roomCheck = (model: Model, room: string, back: Page): Page => ({
  name: "look",
  title: speechOf(model).t("title.check", { room }),
  path: `/rooms/${encodeURIComponent(room)}/check`,
  from: "top",
  asks: "once",
  back,
});

export const historyOf = (
  model: Model,
  subject: "pc" | "room" | "session",
  id: string,
  what: string,
  back: Page,
): Page => {
  const path = `/history?${subject}=${encodeURIComponent(id)}`;
  return look(speechOf(model).t("title.history", { what }), path, "end", back);
};
