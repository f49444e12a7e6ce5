/** What is ordered of images, the schedule, operators and SSH keys. */
import { imageName } from "../../../core/image/manifest.ts";
import type { OperatorView, ScheduleView, SshKeyView } from "../../../core/wire/api.ts";
import { keyNameRule, operatorNameRule, stepNameRule } from "../../../core/wire/names.ts";
import type { ImageView } from "../../../core/wire/views.ts";
import type { Store } from "../store.ts";
import { dateTime, size, t } from "../words.ts";
import {
  type Action,
  choice,
  command,
  type Field,
  options,
  pathOf,
  plan,
  text,
  tick,
} from "./action.ts";
import { refusedName } from "./pcs.ts";
import { afterwardsChoice } from "./restore.ts";

export function deleteImageAction(image: ImageView): Action {
  const name = imageName(image);
  const word = encodeURIComponent(name);
  return {
    title: t("image.delete.title", { image: name }),
    submit: t("delete"),
    isDanger: true,
    fields: [],
    plan: () =>
      plan({
        facts: [
          t("image.facts", {
            size: size(image.usedBytes),
            source: image.source,
            time: dateTime(image.capturedAt),
          }),
        ],
        word: name,
        calls: [{ method: "delete", path: `${pathOf("images", image.id)}?overwrite=${word}` }],
        commands: [command("image", "delete", name)],
        done: t("image.deleted", { image: name }),
      }),
  };
}

export function addStepAction(image: ImageView): Action {
  return {
    title: t("step.add.title", { image: imageName(image) }),
    submit: t("add"),
    isDanger: false,
    fields: [
      text("name", t("field.name"), "", t("hint.step")),
      { ...text("script", t("field.script")), kind: "lines" },
    ],
    plan: ({ name = "", script = "" }) =>
      plan({
        refused: refusedName(stepNameRule, name) ?? (script === "" ? t("step.empty") : null),
        calls: [
          { method: "post", path: `${pathOf("images", image.id)}/steps`, body: { name, script } },
        ],
        commands: [command("image", "step", "add", imageName(image), name)],
        done: t("step.added", { step: name }),
      }),
  };
}

export function removeStepAction(image: ImageView, step: string): Action {
  return {
    title: t("step.remove.title", { step, image: imageName(image) }),
    submit: t("remove"),
    isDanger: true,
    fields: [],
    plan: () =>
      plan({
        calls: [
          {
            method: "delete",
            path: `${pathOf("images", image.id)}/steps/${encodeURIComponent(step)}`,
          },
        ],
        commands: [command("image", "step", "remove", imageName(image), step)],
        done: t("step.removed", { step }),
      }),
  };
}

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
      text("zone", t("field.zone"), "", t("hint.zone")),
    ],
    plan(values) {
      const { cron = "", room = "", image = "", then = "poweroff", zone = "" } = values;
      const delta = values.delta === "yes";
      return plan({
        facts: [t("schedule.fact", { room, cron })],
        refused: image === "" ? t("restore.noImage") : null,
        word: room,
        calls: [
          {
            method: "post",
            path: "/schedule",
            body: {
              ...{ cron, room, image, delta, wakeSeconds: 300, afterwards: then },
              ...{ timeZone: zone === "" ? null : zone, overwrite: room },
            },
          },
        ],
        commands: [
          command(
            ...["schedule", "add", cron, "--room", room, "--image", image],
            ...options({ delta, "time-zone": zone === "" ? null : zone }),
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
