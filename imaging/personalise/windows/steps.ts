/** How what is done to a Windows is said. */
import { errorText, RoomcastError } from "../../../core/errors.ts";
import type { StepView } from "../../../core/wire/views.ts";
import type { SystemOptions, Volume } from "../system.ts";

/** What a step did; null: nothing was to be done. */
export type Done = Pick<StepView, "result" | "detail"> | null;

/** Names a file that was changed; a step that fails afterwards names it all the same. */
export type Changed = (path: string) => void;

export const done = (detail: string): Done => ({ result: "done", detail });
export const left = (detail: string): Done => ({ result: "left", detail });

export class Steps {
  private readonly where: string;
  private readonly options: Pick<SystemOptions, "said" | "signal">;

  constructor({ name }: Volume, options: Pick<SystemOptions, "said" | "signal">) {
    this.where = name;
    this.options = options;
  }

  /** Says the step when it has ended; undefined: it has failed. Rejects at a bug, and as the signal says. */
  async run(name: string, work: (changed: Changed) => Promise<Done>): Promise<Done | undefined> {
    const files: string[] = [];
    try {
      const end = await work((path) => files.push(path));
      if (end !== null) this.say(name, end, files);
      return end;
    } catch (error) {
      this.options.signal.throwIfAborted();
      if (!(error instanceof RoomcastError) && !isSystemError(error)) throw error;
      const next = error instanceof RoomcastError ? `; ${error.next}` : "";
      this.say(name, { result: "failed", detail: `${errorText(error)}${next}` }, files);
      return undefined;
    }
  }

  private say(name: string, { result, detail }: Exclude<Done, null>, files: string[]): void {
    this.options.said({ name: `Windows on ${this.where}: ${name}`, result, detail, files });
  }
}

/** Of a file or disk: what else is thrown is a bug. */
const isSystemError = (error: unknown): error is NodeJS.ErrnoException =>
  error instanceof Error && typeof (error as NodeJS.ErrnoException).syscall === "string";
