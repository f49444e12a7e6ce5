/** What is ordered of a session, and the answers to what people at PCs ask for. */
import { triedAgain } from "../../../core/screen/again.ts";
import { diskIdentity } from "../../../core/screen/disk.ts";
import { orderKeys, shownOf } from "../../../core/screen/identity.ts";
import { isRunning } from "../../../core/screen/pc-state.ts";
import { targetOf } from "../../../core/screen/target.ts";
import type { RequestView } from "../../../core/wire/trust.ts";
import type { PcView, SessionView } from "../../../core/wire/views.ts";
import { sessionTitle } from "../room-view.ts";
import type { Store } from "../store.ts";
import { t, told } from "../words.ts";
import { type Action, command, overwritten, pathOf, plan, wordOf } from "./action.ts";

export function startAction({ id }: SessionView): Action {
  return {
    title: t("start.title", { session: id }),
    submit: t("start"),
    isDanger: false,
    fields: [],
    plan: () =>
      plan({
        calls: [{ method: "post", path: `${pathOf("sessions", id)}/start` }],
        commands: [command("session", "start", id)],
        done: t("start.done", { session: id }),
      }),
  };
}

export function stopAction(store: Store, session: SessionView): Action {
  const { id, kind, room, members } = session;
  const pending = members.filter(({ result }) => result === "pending").length;
  return {
    title: t("stop.title", { session: id }),
    submit: t("stop"),
    isDanger: true,
    fields: [],
    plan: () =>
      plan({
        facts: [[sessionTitle(store, session), room].filter(Boolean).join(", ")],
        warnings: [
          kind === "capture"
            ? t("stop.capture")
            : kind === "wipe"
              ? t("stop.wipe")
              : t("stop.restore", { count: pending }),
        ],
        calls: [{ method: "post", path: `${pathOf("sessions", id)}/stop` }],
        commands: [command("session", "stop", id)],
        done: t("stop.done", { session: id }),
      }),
  };
}

export function dropAction(store: Store, session: SessionView, pc: PcView): Action {
  const { id } = session;
  return {
    title: t("drop.title", { pc: pc.name, session: id }),
    submit: t("drop"),
    isDanger: true,
    fields: [],
    plan() {
      const disk = store.parts.get(pc.id)?.member.disk ?? null;
      return plan({
        facts: disk === null ? [] : [diskIdentity(disk)],
        warnings: [t("drop.warning")],
        calls: [{ method: "post", path: `${pathOf("sessions", id)}/drop`, body: { pc: pc.id } }],
        commands: [command("session", "drop", id, pc.name)],
        done: t("drop.done", { pc: pc.name, session: id }),
      });
    },
  };
}

/** Lets a PC that failed or was taken out back in. */
export function letInAction(store: Store, session: SessionView, pc: PcView): Action {
  const { id } = session;
  return {
    title: t("letIn.title", { pc: pc.name, session: id }),
    submit: t("letIn"),
    isDanger: true,
    fields: [],
    plan() {
      const { facts, lost, warnings } = overwritten(store, [pc], targetOf(session));
      const shown = shownOf(orderKeys([pc], store.rooms.all()));
      return plan({
        ...{ facts, lost, warnings, word: pc.name },
        calls: [
          {
            method: "post",
            path: `${pathOf("sessions", id)}/admit`,
            body: { pc: pc.id, overwrite: pc.name, shown },
          },
        ],
        commands: [command("session", "admit", id, pc.name)],
        done: t("letIn.done", { pc: pc.name, session: id }),
      });
    },
  };
}

/** A new session for those that an ended one did not verify. */
export function retryAction(store: Store, session: SessionView): Action {
  const { id } = session;
  return {
    title: t("retry.title", { session: id }),
    submit: t("retry"),
    isDanger: true,
    fields: [],
    plan() {
      const pcs = triedAgain(session, (each) => store.pcs.get(each));
      const { facts, lost, warnings } = overwritten(store, pcs, targetOf(session));
      const overwrite = pcs.map(({ name }) => name).join(",");
      return plan({
        ...{ facts, lost, warnings, word: wordOf(null, pcs) },
        refused: isRunning(session) ? t("retry.running") : null,
        calls: [{ method: "post", path: `${pathOf("sessions", id)}/retry`, body: { overwrite } }],
        commands: [command("session", "retry", id)],
        done: t("retry.done", { count: pcs.length }),
      });
    },
  };
}

/** The yes to a request; its answer is given once, as it was shown. */
export function yesAction({ id, name, what, overwrites, word }: RequestView): Action {
  return {
    title: t("request.title", { pc: name, what: told(what) }),
    submit: t("yes"),
    isDanger: word !== null,
    fields: [],
    plan: () =>
      plan({
        facts: overwrites,
        lost: word === null ? null : t("lost", { count: overwrites.length }),
        word,
        calls: [
          {
            method: "post",
            path: `${pathOf("requests", id)}/yes`,
            body: word === null ? {} : { overwrite: word },
          },
        ],
        commands: [command("request", "yes", id)],
        done: t("request.yes", { pc: name }),
      }),
  };
}
