/** Restores and live casts: what overwrites the disks of a room. */
import { imageName } from "../../../core/image/manifest.ts";
import { cannotFitText, fitLines, unfittedLines } from "../../../core/screen/fit.ts";
import { orderKeys, shownOf } from "../../../core/screen/identity.ts";
import { notesLines } from "../../../core/screen/image-notes.ts";
import { personalLines } from "../../../core/screen/personal.ts";
import { foreseenDisks, sectorsOf, type TargetRequest } from "../../../core/screen/target.ts";
import { proofSeconds } from "../../../core/session/boot-proof.ts";
import { planFit } from "../../../core/session/fit-plan.ts";
import { type HostSystem, hostNameFaults, systemsOn } from "../../../core/wire/host-names.ts";
import { imageNameRule, nameFault } from "../../../core/wire/names.ts";
import type { ImageView, PcView } from "../../../core/wire/views.ts";
import type { Store } from "../store.ts";
import { dateTime, list, size, speech, t } from "../words.ts";
import {
  type Action,
  choice,
  command,
  diskFields,
  diskRequest,
  diskWords,
  type Field,
  options,
  overwritten,
  type Plan,
  plan,
  rare,
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

const howFields = (pcs: readonly PcView[]): Field[] => [
  afterwardsChoice(),
  text("canary", t("field.canary"), "", t("hint.canary")),
  tick("delta", t("field.delta")),
  tick("personalise", t("field.personalise"), true),
  ...diskFields(pcs),
  rare(
    choice("verify", t("field.verify"), [
      ["read-back", t("verify.read-back")],
      ["written", t("verify.written")],
    ]),
  ),
  rare(
    choice("start", t("field.start"), [
      ["now", t("start.now")],
      ["all", t("start.all")],
      ["count", t("start.count")],
    ]),
  ),
  {
    ...rare(text("startCount", t("field.startCount"), String(pcs.length))),
    isMeant: ({ start }) => start === "count",
  },
  {
    ...rare(text("startTimeout", t("field.startTimeout"), "", t("hint.startTimeout"))),
    isMeant: ({ start }) => start !== "now",
  },
  rare(
    choice("prove", t("field.prove"), [
      ["usual", t("prove.usual")],
      ["wait", t("prove.wait")],
      ["no", t("prove.no")],
    ]),
  ),
  {
    ...rare(text("proveSeconds", t("field.proveSeconds"), String(proofSeconds))),
    isMeant: ({ prove }) => prove === "wait",
  },
];

const whomText = (targets: Targets, pcs: readonly PcView[]): string =>
  targets.room ??
  (pcs.length <= 3 ? list(pcs.map(({ name }) => name)) : t("pcs", { count: pcs.length }));

/** A whole number from 1, or null. */
const countOf = (text = ""): number | null => (/^[1-9]\d{0,4}$/.test(text) ? Number(text) : null);

/** Why what was typed cannot be, or null. */
function howTrouble({ start, startCount, startTimeout = "", prove, proveSeconds }: Values) {
  const isBad =
    (start === "count" && countOf(startCount) === null) ||
    (start !== "now" && startTimeout !== "" && countOf(startTimeout) === null) ||
    (prove === "wait" && countOf(proveSeconds) === null);
  return isBad ? t("restore.number") : null;
}

const startOf = ({ start = "now", startCount }: Values): string | number =>
  start === "count" ? (countOf(startCount) ?? 1) : start;

const startTimeoutOf = ({ start, startTimeout }: Values): number | null =>
  start === "now" ? null : countOf(startTimeout);

/** The fields of the call that restores and casts have in common. */
function howBody(
  values: Values,
  targets: Targets,
  { overwrite, named, failingDisks }: Omit<TargetRequest, "sectors"> & { overwrite: string },
): object {
  const { then, verify, prove, proveSeconds, canary = "" } = values;
  return {
    ...(targets.room === null ? { pcs: targets.pcs } : { room: targets.room }),
    ...{ disk: named, failingDisks, delta: values.delta === "yes", verify, afterwards: then },
    ...{ start: startOf(values), startTimeout: startTimeoutOf(values) },
    ...(prove === "usual" ? {} : { proveBoot: prove === "no" ? null : countOf(proveSeconds) }),
    personalise: values.personalise === "yes" ? "auto" : "none",
    canary: canary === "" ? null : /^\d+$/.test(canary) ? Number(canary) : canary,
    overwrite,
  };
}

const whomWords = (targets: Targets, pcs: readonly PcView[]): string[] =>
  targets.room === null ? ["--pc", ...pcs.map(({ name }) => name)] : ["--room", targets.room];

function howWords(values: Values, request: Omit<TargetRequest, "sectors">): string[] {
  const { prove, proveSeconds = "", then = "stay", canary = "" } = values;
  const start = startOf(values);
  const timeout = startTimeoutOf(values);
  return [
    ...diskWords(request),
    ...options({
      delta: values.delta === "yes",
      verify: values.verify === "written" ? "written" : null,
      // biome-ignore lint/suspicious/noThenProperty: the option's name in the command line.
      then: then === "stay" ? null : then,
      start: start === "now" ? null : String(start),
      "start-timeout": timeout === null ? null : String(timeout),
      personalise: values.personalise === "yes" ? null : "none",
      "prove-boot": prove === "wait" ? proveSeconds : null,
      "no-prove-boot": prove === "no",
      canary: canary === "" ? null : canary,
    }),
  ];
}

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
  const pcs = targetPcs(store, targets);
  return {
    title: t("restore.title", { whom: whomText(targets, pcs) }),
    submit: t("restore"),
    isDanger: true,
    fields: [
      choice("image", t("image"), imageOptions, image ?? images[0]?.id),
      ...howFields(pcs),
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
  const request = { ...diskRequest(values, all), sectors: sectorsOf(image) };
  const { pcs, facts, lost, warnings } = overwritten(store, all, request);
  const fitted =
    values.fit === "yes" ? fitOf(store, image, pcs, request) : { refused: null, lines: [] };
  const word = wordOf(targets.room, all);
  const overwrite = targets.room ?? all.map(({ name }) => name).join(",");
  const fit = values.fit === "yes" ? "auto" : "never";
  const whom = whomText(targets, all);
  const shown = shownOf(orderKeys(all, store.rooms.all()));
  const body = { kind: "restore", image: image.id, fit, shown };
  const words = [...whomWords(targets, all), ...howWords(values, request)];
  return plan({
    ...{ facts, lost },
    warnings: [
      ...notesLines(image, speech()),
      ...image.warnings,
      ...fitted.lines,
      ...(values.personalise === "yes" ? personalLines(image, speech()) : []),
      ...warnings,
    ],
    refused:
      howTrouble(values) ?? fitted.refused ?? nameTrouble(pcs, values, systemsOn(image.partitions)),
    word,
    calls: [
      {
        method: "post",
        path: "/sessions",
        body: { ...body, ...howBody(values, targets, { ...request, overwrite }) },
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
  request: TargetRequest,
): { readonly refused: string | null; readonly lines: readonly string[] } {
  const disks = foreseenDisks(pcs, store.rooms.all(), request);
  const made = planFit(image, store.images.all(), disks);
  if (made.kind !== "cannot") return { refused: null, lines: fitLines(made, disks, speech()) };
  const { what, next } = cannotFitText(made, speech());
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
      ...howFields(targetPcs(store, targets).filter(({ id }) => id !== sender.id)),
      rare(tick("raw", t("field.raw"))),
    ],
    plan: (values) => castPlan(store, sender, targets, values),
  };
}

function castPlan(store: Store, sender: PcView, targets: Targets, values: Values): Plan {
  const receivers = targetPcs(store, targets).filter(({ id }) => id !== sender.id);
  const request = { ...diskRequest(values, receivers), sectors: null };
  const { pcs, facts, lost, warnings } = overwritten(store, receivers, request);
  const word = wordOf(targets.room, receivers);
  // Of a room the server leaves the sender out by itself.
  const overwrite = targets.room ?? receivers.map(({ name }) => name).join(",");
  const { saveAs = "", sourceDisk = null } = values;
  const fault = saveAs === "" ? null : nameFault(imageNameRule, saveAs);
  const source = sender.disks.find(({ path }) => sourceDisk === null || path === sourceDisk);
  const raw = values.raw === "yes";
  const disks = foreseenDisks(pcs, store.rooms.all(), request);
  const shown = shownOf(orderKeys([sender, ...receivers], store.rooms.all()));
  const body = { kind: "cast", sender: sender.id, saveAs: saveAs === "" ? null : saveAs, shown };
  const words = options({
    "save-as": saveAs === "" ? null : saveAs,
    "source-disk": sourceDisk,
    raw,
  });
  return plan({
    ...{ facts, lost },
    warnings: [
      ...(source === undefined ? [] : unfittedLines(source.size, disks, speech())),
      ...(values.personalise === "yes" ? personalLines(null, speech()) : []),
      ...warnings,
    ],
    refused:
      fault === null
        ? (howTrouble(values) ?? nameTrouble(pcs, values, ["any system"]))
        : `${fault.what}; ${fault.next}`,
    word,
    calls: [
      {
        method: "post",
        path: "/sessions",
        body: {
          ...howBody(
            values,
            { ...targets, pcs: receivers.map(({ id }) => id) },
            { ...request, overwrite },
          ),
          ...{ ...body, sourceDisk, raw },
        },
      },
    ],
    commands: [
      command(
        ...["cast", sender.name, ...whomWords(targets, receivers), ...words],
        ...howWords(values, request),
      ),
    ],
    done: t("cast.done", { sender: sender.name, whom: whomText(targets, receivers) }),
  });
}
