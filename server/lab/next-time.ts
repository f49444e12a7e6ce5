import { Cron } from "croner";
import { RoomcastError } from "../../core/errors.ts";

/** When the pattern next comes after a time; throws `usage`. Five fields, as cron(5) has them. */
export function nextTime(cron: string, timeZone: string | null, after: Date): string {
  let next: Date | null;
  try {
    const options = {
      paused: true,
      mode: "5-part",
      ...(timeZone === null ? {} : { timezone: timeZone }),
    };
    next = new Cron(cron, options as ConstructorParameters<typeof Cron>[1]).nextRun(after);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new RoomcastError(
      "usage",
      `${JSON.stringify(cron)} is no time: ${why}`,
      'as "30 6 * * 1-5": minute, hour, day, month, day of the week',
      { cause },
    );
  }
  if (next !== null) return next.toISOString();
  throw new RoomcastError("usage", `${JSON.stringify(cron)} never comes`, "check day and month");
}
