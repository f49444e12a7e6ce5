import { RoomcastError } from "../../core/errors.ts";
import type { OwnStep } from "../../core/wire/personal.ts";
import type { ImageStep } from "../../core/wire/views.ts";
import type { ImageStepRecord } from "../state/records.ts";
import type { StateStore } from "../state/state-store.ts";

/** What `Personal` takes: steps of an image, and bytes of each. */
const stepsLimit = 16;
const bytesLimit = 256 * 1024;

export interface ImageStepsPorts {
  readonly store: Pick<
    StateStore,
    "imageSteps" | "saveImageStep" | "removeImageStep" | "removeImageSteps"
  >;
  isoTime(): string;
}

/** The owner's scripts that are stored with images, each version with its own. */
export class ImageSteps {
  private readonly ports: ImageStepsPorts;
  /** By the image's id, in the order in which they run. */
  private readonly records = new Map<string, ImageStepRecord[]>();

  constructor(ports: ImageStepsPorts) {
    this.ports = ports;
    for (const { image, step } of ports.store.imageSteps())
      this.records.set(image, [...(this.records.get(image) ?? []), step]);
  }

  list(image: string): ImageStep[] {
    return this.of(image).map(({ name, script, by, addedAt }) => ({
      ...{ name, by, addedAt },
      bytes: Buffer.byteLength(script),
    }));
  }

  scripts(image: string): OwnStep[] {
    return this.of(image).map(({ name, script }) => ({ name, script }));
  }

  /** Throws `bad-input` for what is no script, and `conflict` for a name that the image has already. */
  add(image: string, { name, script }: OwnStep, by: string): void {
    const steps = this.of(image);
    const fault = scriptFault(script);
    if (fault !== null) throw new RoomcastError("bad-input", `${name}: ${fault.what}`, fault.next);
    if (steps.some((step) => step.name === name)) {
      const next = `remove it first with \`roomcast image step remove\`, or give the file another name`;
      throw new RoomcastError("conflict", `the image has a step ${name} already`, next);
    }
    if (steps.length >= stepsLimit) {
      const what = `the image has ${stepsLimit} steps already`;
      throw new RoomcastError("refused", what, "remove one, or let one script do what two do");
    }
    const record: ImageStepRecord = { name, script, by, addedAt: this.ports.isoTime() };
    this.ports.store.saveImageStep(image, record);
    this.records.set(image, [...steps, record]);
  }

  /** Throws `not-found`. */
  remove(image: string, name: string): void {
    const left = this.of(image).filter((step) => step.name !== name);
    if (left.length === this.of(image).length) {
      const next = "see `roomcast image step list`";
      throw new RoomcastError("not-found", `the image has no step ${JSON.stringify(name)}`, next);
    }
    this.ports.store.removeImageStep(image, name);
    this.records.set(image, left);
  }

  /** The image is deleted. */
  forget(image: string): void {
    if (!this.records.delete(image)) return;
    this.ports.store.removeImageSteps(image);
  }

  private of(image: string): readonly ImageStepRecord[] {
    return this.records.get(image) ?? [];
  }
}

/** Why a text is no script that can run. */
function scriptFault(script: string): { readonly what: string; readonly next: string } | null {
  const bytes = Buffer.byteLength(script);
  if (bytes > bytesLimit) {
    const what = `it has ${bytes} bytes, and ${bytesLimit} are allowed`;
    return { what, next: "let the script fetch what is large" };
  }
  if (!script.isWellFormed() || script.includes("\0"))
    return { what: "it is no text in UTF-8", next: "a step is a script, not a program" };
  const [first = ""] = script.split("\n", 1);
  if (!/^#!\s*\S/.test(first))
    return { what: "it does not begin with #!", next: "name its interpreter, as in #!/bin/sh" };
  if (first.endsWith("\r")) {
    const next = "save it with the line ends of Unix";
    return { what: "its lines end as those of Windows do, and its interpreter is not found", next };
  }
  return null;
}
