import { execFile } from "node:child_process";

/** A disk that is about to die may take its time to say so. In milliseconds. */
const answerLimit = 4000;

/** What a disk says of itself, by its path; asked once, for it hardly changes while a PC is imaged. */
export class DiskHealth {
  private readonly known = new Map<string, string | null>();

  /** `passed`, `failed`, or null when it does not say or has not been asked. */
  of(path: string): string | null {
    return this.known.get(path) ?? null;
  }

  /** Asks those that were not asked yet. Never rejects: without smartctl nothing is known. */
  async ask(paths: readonly string[]): Promise<void> {
    const unknown = paths.filter((path) => !this.known.has(path));
    await Promise.all(
      unknown.map(async (path) => {
        this.known.set(path, readSmartctl(await smartctl(path)));
      }),
    );
  }
}

/** From `smartctl --json -H`; null for anything else. */
export function readSmartctl(json: string): "passed" | "failed" | null {
  try {
    const said = JSON.parse(json) as { smart_status?: { passed?: unknown } } | null;
    const passed = said?.smart_status?.passed;
    return typeof passed === "boolean" ? (passed ? "passed" : "failed") : null;
  } catch {
    return null;
  }
}

/** Its exit status is a bit mask that says what the text says too. */
const smartctl = (path: string): Promise<string> =>
  new Promise((resolve) => {
    execFile("smartctl", ["--json", "-H", path], { timeout: answerLimit }, (_, stdout) =>
      resolve(stdout),
    );
  });
