/** Restores and live casts: what overwrites the disks of a room. */
import { imageName } from "../../../core/image/manifest.ts";
import { cannotFitText, fitLines, unfittedLines } from "../../../core/screen/fit.ts";
import { orderKeys, shownOf } from "../../../core/screen/identity.ts";
import { personalLines } from "../../../core/screen/personal.ts";
import { foreseenDisks, sectorsOf } from "../../../core/screen/target.ts";
import { planFit } from "../../../core/session/fit-plan.ts";
import { type HostSystem, hostNameFaults, systemsOn } from "../../../core/wire/host-names.ts";
import { imageNameRule, nameFault } from "../../../core/wire/names.ts";
import type { ImageView, PcView } from "../../../core/wire/views.ts";
import type { Store } from "../store.ts";
import { dateTime, list, size, t } from "../words.ts";
import {
  type Action,
  choice,
  command,
  type Field,
  options,
  overwritten,
  type Plan,
  plan,
  type Targets,
  targetPcs,
  text,
  tick,
  type Values,
  wordOf,
} from "./action.ts";

/** Newest first. */
export const imagesToChoose = (store: Store): ImageView[] =>
  store.images.all().sort((one, other) => (one.capturedAt < other.capturedAt ? 1 : -1));

export const afterwardsChoice = (value = "stay"): Field =>
  choice(
    "then",
    t("field.then"),
    [
      ["stay", t("then.stay")],
      ["reboot", t("then.reboot")],
      ["poweroff", t("then.poweroff")],
      ["boot-disk", t("then.boot-disk")],
    ],
    value,
  );

const howFields = (): Field[] => [
  tick("delta", t("field.delta")),
  afterwardsChoice(),
  choice("start", t("field.start"), [
    ["now", t("start.now")],
    ["all", t("start.all")],
  ]),
  choice("verify", t("field.verify"), [
    ["read-back", t("verify.read-back")],
    ["written", t("verify.written")],
  ]),
  tick("personalise", t("field.personalise"), true),
  text("canary", t("field.canary"), "", t("hint.canary")),
];

const whomText = (targets: Targets, pcs: readonly PcView[]): string =>
  targets.room ??
  (pcs.length <= 3 ? list(pcs.map(({ name }) => name)) : t("pcs", { count: pcs.length }));

/** The fields of the call that restores and casts have in common. */
function howBody(values: Values, targets: Targets, overwrite: string): object {
  const { then, start, verify, canary = "" } = values;
  return {
    ...(targets.room === null ? { pcs: targets.pcs } : { room: targets.room }),
    ...{ disk: null, startTimeout: null, delta: values.delta === "yes" },
    ...{ verify, afterwards: then, start },
    personalise: values.personalise === "yes" ? "auto" : "none",
    canary: canary === "" ? null : /^\d+$/.test(canary) ? Number(canary) : canary,
    overwrite,
  };
}

const whomWords = (targets: Targets, pcs: readonly PcView[]): string[] =>
  targets.room === null ? ["--pc", ...pcs.map(({ name }) => name)] : ["--room", targets.room];

const howWords = (values: Values): string[] =>
  options({
    delta: values.delta === "yes",
    verify: values.verify === "written" ? "written" : null,
    // biome-ignore lint/suspicious/noThenProperty: the option's name in the command line.
    then: values.then === "stay" ? null : (values.then ?? null),
    start: values.start === "all" ? "all" : null,
    personalise: values.personalise === "yes" ? null : "none",
    canary: values.canary === "" ? null : (values.canary ?? null),
  });

/** Names that the systems on the disk would not take, or null. */
function nameTrouble(
  pcs: readonly PcView[],
  { personalise }: Values,
  systems: readonly HostSystem[],
): string | null {
  if (personalise !== "yes") return null;
  const [first] = hostNameFaults(pcs, systems);
  return first === undefined ? null : `${first.what}; ${first.next}`;
}

export function restoreAction(store: Store, targets: Targets, image?: string): Action {
  const images = imagesToChoose(store);
  const imageOptions = images.map((each) => {
    const name = imageName(each);
    return [each.id, `${name}, ${size(each.usedBytes)}, ${dateTime(each.capturedAt)}`] as const;
  });
  return {
    title: t("restore.title", { whom: whomText(targets, targetPcs(store, targets)) }),
    submit: t("restore"),
    isDanger: true,
    fields: [
      choice("image", t("image"), imageOptions, image ?? images[0]?.id),
      ...howFields(),
      tick("fit", t("field.fit"), true),
    ],
    plan: (values) => restorePlan(store, targets, values),
  };
}

function restorePlan(store: Store, targets: Targets, values: Values): Plan {
  const image = store.images.get(values.image ?? "");
  const all = targetPcs(store, targets);
  if (image === undefined)
    return plan({ refused: t("restore.noImage"), calls: [], commands: [], done: "" });
  const { pcs, facts, warnings } = overwritten(store, all, sectorsOf(image));
  const fitted = values.fit === "yes" ? fitOf(store, image, pcs) : { refused: null, lines: [] };
  const word = wordOf(targets.room, all);
  const overwrite = targets.room ?? all.map(({ name }) => name).join(",");
  const fit = values.fit === "yes" ? "auto" : "never";
  const whom = whomText(targets, all);
  const shown = shownOf(orderKeys(all, store.rooms.all()));
  const body = { kind: "restore", image: image.id, fit, shown };
  const words = [...whomWords(targets, all), ...howWords(values)];
  return plan({
    facts,
    warnings: [
      ...image.warnings,
      ...fitted.lines,
      ...(values.personalise === "yes" ? personalLines(image) : []),
      ...warnings,
    ],
    refused: fitted.refused ?? nameTrouble(pcs, values, systemsOn(image.partitions)),
    word,
    calls: [
      {
        method: "post",
        path: "/sessions",
        body: { ...body, ...howBody(values, targets, overwrite) },
      },
    ],
    commands: [
      command("restore", imageName(image), ...words, ...(fit === "auto" ? [] : ["--fit", "never"])),
    ],
    done: t("restore.done", { image: imageName(image), whom }),
  });
}

function fitOf(
  store: Store,
  image: ImageView,
  pcs: readonly PcView[],
): { readonly refused: string | null; readonly lines: readonly string[] } {
  const request = { named: null, failingDisks: [], sectors: sectorsOf(image) };
  const disks = foreseenDisks(pcs, store.rooms.all(), request);
  const made = planFit(image, store.images.all(), disks);
  if (made.kind !== "cannot") return { refused: null, lines: fitLines(made, disks) };
  const { what, next } = cannotFitText(made);
  return { refused: `${what}; ${next}`, lines: [] };
}

/** `targets`: without the sender. */
export function castAction(store: Store, sender: PcView, targets: Targets): Action {
  return {
    title: t("cast.title", { sender: sender.name }),
    submit: t("cast"),
    isDanger: true,
    fields: [
      text("saveAs", t("field.saveAs"), "", t("hint.saveAs")),
      ...(sender.disks.length > 1
        ? [
            choice(
              "sourceDisk",
              t("field.disk"),
              sender.disks.map(({ path }) => [path, path]),
            ),
          ]
        : []),
      ...howFields(),
    ],
    plan: (values) => castPlan(store, sender, targets, values),
  };
}

function castPlan(store: Store, sender: PcView, targets: Targets, values: Values): Plan {
  const receivers = targetPcs(store, targets).filter(({ id }) => id !== sender.id);
  const { pcs, facts, warnings } = overwritten(store, receivers, null);
  const word = wordOf(targets.room, receivers);
  // Of a room the server leaves the sender out by itself.
  const overwrite = targets.room ?? receivers.map(({ name }) => name).join(",");
  const { saveAs = "", sourceDisk = null } = values;
  const fault = saveAs === "" ? null : nameFault(imageNameRule, saveAs);
  const source = sender.disks.find(({ path }) => sourceDisk === null || path === sourceDisk);
  const request = { named: null, failingDisks: [], sectors: null };
  const disks = foreseenDisks(pcs, store.rooms.all(), request);
  const shown = shownOf(orderKeys([sender, ...receivers], store.rooms.all()));
  const body = { kind: "cast", sender: sender.id, saveAs: saveAs === "" ? null : saveAs, shown };
  const words = options({ "save-as": saveAs === "" ? null : saveAs, "source-disk": sourceDisk });
  return plan({
    facts,
    warnings: [
      ...(source === undefined ? [] : unfittedLines(source.size, disks)),
      ...(values.personalise === "yes" ? personalLines(null) : []),
      ...warnings,
    ],
    refused:
      fault === null ? nameTrouble(pcs, values, ["any system"]) : `${fault.what}; ${fault.next}`,
    word,
    calls: [
      {
        method: "post",
        path: "/sessions",
        body: {
          ...{ ...howBody(values, { ...targets, pcs: receivers.map(({ id }) => id) }, overwrite) },
          ...body,
          sourceDisk,
        },
      },
    ],
    commands: [
      command("cast", sender.name, ...whomWords(targets, receivers), ...words, ...howWords(values)),
    ],
    done: t("cast.done", { sender: sender.name, whom: whomText(targets, receivers) }),
  });
}
