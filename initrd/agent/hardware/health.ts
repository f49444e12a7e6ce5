import { execFile } from "node:child_process";
import type { DiskView } from "../../../core/wire/views.ts";

/** In milliseconds: longer than a disk tries to read a sector that it cannot. */
const giveUpAfter = 60_000;
/** As the message allows. */
const textLimit = 256;

/** What a disk says of itself: `passed…`, `failed…`, or null when it does not say. Never rejects: without smartctl nothing is known. */
export const askHealth = async ({ path }: Pick<DiskView, "path">): Promise<string | null> =>
  readSmartctl(await smartctl(path));

/** What `smartctl --json -H -A` says, as far as it is of use here. */
interface SmartctlOutput {
  readonly smart_status?: { readonly passed?: unknown };
  readonly ata_smart_attributes?: {
    readonly table?: readonly {
      readonly id?: unknown;
      readonly raw?: { readonly value?: unknown };
    }[];
  };
  readonly nvme_smart_health_information_log?: {
    readonly critical_warning?: unknown;
    readonly percentage_used?: unknown;
    readonly media_errors?: unknown;
  };
}

/** ATA attributes that foretell a failure better than the disk's own verdict, with their unit. */
const attributes: Readonly<Record<number, string>> = {
  5: "sectors reallocated",
  197: "sectors pending",
  198: "sectors cannot be read",
};
/** NVM Express base specification 2.0, figure 207: bits of the critical warning. */
const criticalWarnings = [
  "spare blocks nearly used up",
  "too hot",
  "reliability degraded",
  "read-only",
  "backup of its memory failed",
];

/**
 * `passed` or `failed`, with what is worth knowing behind it (`passed; 8 sectors pending`); null for
 * anything else than what smartctl says.
 */
export function readSmartctl(json: string): string | null {
  let said: SmartctlOutput | null;
  try {
    said = JSON.parse(json) as SmartctlOutput | null;
  } catch {
    return null;
  }
  const passed = said?.smart_status?.passed;
  if (typeof passed !== "boolean") return null;
  const notes = [...ataNotes(said), ...nvmeNotes(said)];
  return [passed ? "passed" : "failed", ...notes].join("; ").slice(0, textLimit);
}

function ataNotes(said: SmartctlOutput | null): string[] {
  const table = said?.ata_smart_attributes?.table;
  if (!Array.isArray(table)) return [];
  return table.flatMap((entry) => {
    const what = attributes[Number(entry?.id)];
    const value = Number(entry?.raw?.value);
    return what !== undefined && value > 0 ? [`${value} ${what}`] : [];
  });
}

function nvmeNotes(said: SmartctlOutput | null): string[] {
  const log = said?.nvme_smart_health_information_log;
  const bits = Number(log?.critical_warning ?? 0);
  const notes = criticalWarnings.filter((_, bit) => ((bits >> bit) & 1) === 1);
  if (Number(log?.percentage_used) >= 100) notes.push(`${log?.percentage_used} % of its life used`);
  if (Number(log?.media_errors) > 0) notes.push(`${log?.media_errors} media errors`);
  return notes;
}

/** Its exit status is a bit mask that says what the text says too. */
const smartctl = (path: string): Promise<string> =>
  new Promise((resolve) => {
    execFile("smartctl", ["--json", "-H", "-A", path], { timeout: giveUpAfter }, (_, stdout) =>
      resolve(stdout),
    );
  });
