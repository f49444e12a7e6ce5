/** What is ordered of images. */
import { leastDiskOf } from "../../../core/image/fit.ts";
import { imageName } from "../../../core/image/manifest.ts";
import { cannotFitSizeText } from "../../../core/screen/fit.ts";
import { deletedLines } from "../../../core/screen/losses.ts";
import { planFit } from "../../../core/session/fit-plan.ts";
import type { TrustView } from "../../../core/wire/api.ts";
import { decodeDiskSize } from "../../../core/wire/fit-size.ts";
import { imageNotesLimit } from "../../../core/wire/image-notes.ts";
import { imageNameRule, stepNameRule } from "../../../core/wire/names.ts";
import type { ImageView } from "../../../core/wire/views.ts";
import type { Store } from "../store.ts";
import { dateTime, size, speech, t } from "../words.ts";
import {
  type Action,
  choice,
  command,
  options,
  type Plan,
  pathOf,
  plan,
  rare,
  text,
  tick,
  type Values,
} from "./action.ts";
import { refusedName } from "./pcs.ts";

export function deleteImageAction(store: Store, image: ImageView): Action {
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
          ...deletedLines(image, store.images.all(), speech()),
          t("image.facts", {
            size: size(image.usedBytes),
            source: image.source,
            time: dateTime(image.capturedAt),
          }),
        ],
        lost: t("image.lost"),
        word: name,
        calls: [{ method: "delete", path: `${pathOf("images", image.id)}?overwrite=${word}` }],
        commands: [command("image", "delete", name)],
        done: t("image.deleted", { image: name }),
      }),
  };
}

/** What staff tell each other of an image. */
export function notesAction(image: ImageView): Action {
  const name = imageName(image);
  return {
    title: t("notes.title", { image: name }),
    submit: t("notes.write"),
    isDanger: false,
    fields: [{ ...text("notes", t("notes"), image.notes, t("notes.hint")), kind: "lines" }],
    plan: ({ notes = "" }) =>
      plan({
        refused:
          notes.length > imageNotesLimit
            ? t("notes.long", { limit: imageNotesLimit, count: notes.length })
            : null,
        calls: [{ method: "patch", path: pathOf("images", image.id), body: { notes } }],
        commands: [command("image", "note", name, notes)],
        done: t("notes.done", { image: name }),
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

/** What disks are sold with, and what the page suggests, in GB. */
const usualSizesGb = [120, 128, 240, 250, 256, 480, 500, 512, 1000];

/** Makes a version of the image for smaller disks; the image stays as it is. */
export function fitAction(store: Store, image: ImageView): Action {
  const isSmaller = (gb: number): boolean => gb * 1e9 < image.diskBytes;
  const suggested = usualSizesGb.filter((gb) => isSmaller(gb) && gb * 1e9 >= leastDiskOf(image));
  return {
    title: t("fit.title", { image: imageName(image) }),
    submit: t("fit"),
    isDanger: false,
    fields: [
      {
        ...text("size", t("field.diskSize"), "", t("hint.diskSize")),
        options: suggested.map((gb) => ({ value: `${gb}GB`, label: `${gb}GB` })),
      },
    ],
    plan: (values) => fitPlan(store, image, values),
  };
}

/** As a restore to a disk of this size would have it made. */
function fitPlan(store: Store, image: ImageView, { size: typed = "" }: Values): Plan {
  const name = imageName(image);
  const disk = decodeDiskSize(typed.trim());
  const refuse = (refused: string): Plan => plan({ refused, calls: [], commands: [], done: "" });
  if (!disk.ok) return refuse(t("fit.noSize"));
  const { bytes } = disk.value;
  const made = planFit(image, store.images.all(), [{ name: typed, bytes }]);
  switch (made.kind) {
    case "as-is":
      return refuse(t("fit.asIs", { image: name, size: size(image.diskBytes) }));
    case "reuse":
      return refuse(t("fit.there", { image: imageName(made.image) }));
    case "cannot": {
      const { what, next } = cannotFitSizeText(made, speech());
      return refuse(`${what}; ${next}`);
    }
    case "make":
      return plan({
        facts: [t("fit.fact", { version: `${name}-fit-${made.size.text}` })],
        warnings: [t("work.stays")],
        calls: [
          { method: "post", path: `${pathOf("images", image.id)}/fit`, body: { diskBytes: bytes } },
        ],
        work: t("fit.work", { image: name, size: made.size.text }),
        commands: [command("image", "fit", name, "--disk-size", made.size.text)],
        done: t("fit.done", { version: `${name}-fit-${made.size.text}` }),
      });
  }
}

/** The whole disk as one compressed file, which the browser fetches. */
export function exportAction(image: ImageView): Action {
  const name = imageName(image);
  const file = `${name}.img.zst`;
  return {
    title: t("image.export.title", { image: name }),
    submit: t("image.export"),
    isDanger: false,
    fields: [],
    plan: () =>
      plan({
        facts: [
          t("image.export.fact", {
            ...{ file, size: size(image.storedBytes), disk: size(image.diskBytes) },
          }),
        ],
        warnings: [t("image.export.secret"), t("image.export.terminal")],
        calls: [],
        download: {
          ...{ path: `${pathOf("images", image.id)}/disk.zst`, name: file },
          of: pathOf("images", image.id),
        },
        commands: [command("image", "export", name, file)],
        done: t("image.export.done", { file }),
      }),
  };
}

/**
 * The command that imports a disk. It runs where the file is: a disk does not go through a browser, and a server
 * opens no path that it is told over the network (docs/decisions/0008). `origin`: the address of this page.
 */
export function importImageAction({ key }: TrustView, origin: string): Action {
  return {
    title: t("image.import.title"),
    submit: null,
    isDanger: false,
    fields: [
      text("file", t("field.file"), "", t("hint.file")),
      text("name", t("field.imageName")),
      choice("where", t("field.where"), [
        ["here", t("where.here")],
        ["there", t("where.there")],
      ]),
      rare(tick("raw", t("field.raw"))),
      rare(text("disk", t("field.folderDisk"), "", t("hint.folderDisk"))),
      rare(text("without", t("field.without"), "", t("hint.without"))),
      rare(text("size", t("field.folderSize"), "", t("hint.folderSize"))),
    ],
    plan(values) {
      const { file = "", name = "", where, disk = "", without = "" } = values;
      const missing = without.split(/[\s,]+/).filter((each) => each !== "");
      const isThere = where === "there";
      const reach = isThere ? ["--server", origin, "--pin", key, "--token-file", "token"] : [];
      const refused =
        file.trim() === "" ? t("image.import.noFile") : refusedName(imageNameRule, name);
      const all = {
        raw: values.raw === "yes",
        disk: disk || null,
        "disk-size": values.size || null,
      };
      return plan({
        facts: [t("image.import.how"), t(isThere ? "image.import.there" : "image.import.here")],
        refused,
        calls: [],
        commands:
          refused === null
            ? [
                command(
                  ...[...reach, "image", "import", file.trim(), name, ...options(all)],
                  ...(missing.length === 0 ? [] : ["--without", ...missing]),
                ),
              ]
            : [],
        done: "",
      });
    },
  };
}
