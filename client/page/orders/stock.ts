/** What is ordered of the schedule, operators and SSH keys. */
import type { OperatorView, ScheduleView, SshKeyView } from "../../../core/wire/api.ts";
import { keyNameRule, operatorNameRule } from "../../../core/wire/names.ts";
import type { Store } from "../store.ts";
import { t } from "../words.ts";
import {
  type Action,
  choice,
  command,
  type Field,
  options,
  pathOf,
  plan,
  rare,
  text,
  tick,
} from "./action.ts";
import { refusedName } from "./pcs.ts";
import { afterwardsChoice } from "./restore.ts";

/** For how many seconds PCs that are woken are waited for, as usual and at most. */
const wakeSeconds = 300;
const wakeLimit = 900;

export function scheduleAction(store: Store, room: string | null): Action {
  const rooms = store.rooms.all().map(({ name }) => [name, name] as const);
  const images = [...new Set(store.images.all().map(({ name }) => name))].sort();
  return {
    title: t("schedule.title"),
    submit: t("add"),
    isDanger: true,
    fields: [
      text("cron", t("field.cron"), "30 6 * * 1-5", t("hint.cron")),
      choice("room", t("room"), rooms, room ?? rooms[0]?.[0]),
      choice(
        "image",
        t("image"),
        images.map((name) => [name, name]),
      ),
      tick("delta", t("field.delta")),
      afterwardsChoice("poweroff"),
      tick("personalise", t("field.personalise"), true),
      tick("fit", t("field.fit"), true),
      rare(text("zone", t("field.zone"), "", t("hint.zone"))),
      rare(text("wake", t("field.wake"), String(wakeSeconds))),
    ],
    plan(values) {
      const { cron = "", room = "", image = "", then = "poweroff", zone = "" } = values;
      const { wake = "" } = values;
      const delta = values.delta === "yes";
      const personalise = values.personalise === "yes" ? "auto" : "none";
      const fit = values.fit === "yes" ? "auto" : "never";
      const isWake = /^\d{1,3}$/.test(wake) && Number(wake) <= wakeLimit;
      return plan({
        facts: [t("schedule.fact", { room, cron })],
        refused:
          image === ""
            ? t("restore.noImage")
            : isWake
              ? null
              : t("schedule.wake", { most: wakeLimit }),
        word: room,
        calls: [
          {
            method: "post",
            path: "/schedule",
            body: {
              ...{ cron, room, image, delta, wakeSeconds: Number(wake), afterwards: then },
              ...{ personalise, fit, timeZone: zone === "" ? null : zone, overwrite: room },
            },
          },
        ],
        commands: [
          command(
            ...["schedule", "add", cron, "--room", room, "--image", image],
            ...options({
              ...{ delta, "time-zone": zone === "" ? null : zone },
              personalise: personalise === "auto" ? null : personalise,
              fit: fit === "auto" ? null : fit,
              wake: Number(wake) === wakeSeconds ? null : wake,
            }),
            ...["--then", then],
          ),
        ],
        done: t("schedule.added", { room }),
      });
    },
  };
}

export function unscheduleAction({ id, image, room }: ScheduleView): Action {
  return {
    title: t("unschedule.title", { image, room }),
    submit: t("remove"),
    isDanger: true,
    fields: [],
    plan: () =>
      plan({
        calls: [{ method: "delete", path: pathOf("schedule", id) }],
        commands: [command("schedule", "remove", id)],
        done: t("unschedule.done", { room }),
      }),
  };
}

const roleField = (): Field =>
  choice("role", t("field.role"), [
    ["viewer", t("role.viewer")],
    ["operator", t("role.operator")],
    ["admin", t("role.admin")],
  ]);

export function addOperatorAction(): Action {
  return {
    title: t("operator.add"),
    submit: t("add"),
    isDanger: false,
    fields: [text("name", t("field.name")), roleField()],
    plan: ({ name = "", role = "viewer" }) =>
      plan({
        refused: refusedName(operatorNameRule, name),
        calls: [{ method: "post", path: "/operators", body: { name, role } }],
        commands: [command("operator", "add", name, "--role", role)],
        done: t("operator.added", { name }),
      }),
  };
}

/** Another role, or a password for the page; an empty one stays as it is. */
export function editOperatorAction({ name, role: before, password: has }: OperatorView): Action {
  const password: Field = {
    ...text("password", t("login.password"), "", t(has ? "hint.password" : "hint.noPassword")),
    kind: "secret",
  };
  return {
    title: t("operator.edit.title", { name }),
    submit: t("save"),
    isDanger: false,
    fields: [{ ...roleField(), value: before }, password],
    plan({ role = before, password = "" }) {
      const change = {
        ...(role === before ? {} : { role }),
        ...(password === "" ? {} : { password }),
      };
      return plan({
        refused: Object.keys(change).length === 0 ? t("edit.same") : null,
        calls: [{ method: "patch", path: pathOf("operators", name), body: change }],
        commands: [
          ...(role === before ? [] : [command("operator", "set", name, "--role", role)]),
          ...(password === "" ? [] : [command("operator", "password", name)]),
        ],
        done: t("operator.changed", { name }),
      });
    },
  };
}

export function removeOperatorAction({ name }: OperatorView): Action {
  return {
    title: t("operator.remove.title", { name }),
    submit: t("remove"),
    isDanger: true,
    fields: [],
    plan: () =>
      plan({
        calls: [{ method: "delete", path: pathOf("operators", name) }],
        commands: [command("operator", "remove", name)],
        done: t("operator.removed", { name }),
      }),
  };
}

export function addSshKeyAction(): Action {
  return {
    title: t("sshKey.add"),
    submit: t("add"),
    isDanger: false,
    fields: [
      text("name", t("field.name")),
      { ...text("text", t("field.keys"), "", t("hint.keys")), kind: "lines" },
    ],
    plan: ({ name = "", text: keys = "" }) =>
      plan({
        refused: refusedName(keyNameRule, name),
        calls: [{ method: "post", path: "/ssh-keys", body: { name, text: keys } }],
        commands: [command("key", "add", name, `${name}.pub`)],
        done: t("sshKey.added", { name }),
      }),
  };
}

export function removeSshKeyAction({ name }: SshKeyView): Action {
  return {
    title: t("sshKey.remove.title", { name }),
    submit: t("remove"),
    isDanger: true,
    fields: [],
    plan: () =>
      plan({
        calls: [{ method: "delete", path: pathOf("ssh-keys", name) }],
        commands: [command("key", "remove", name)],
        done: t("sshKey.removed", { name }),
      }),
  };
}
