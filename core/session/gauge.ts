/** What inputs say that is shown, or weighed against what comes after, and never kept. */
import { type Gauges, gaugesOf, type Input, type LabTime } from "./kind.ts";

/** Notes it; whether the words are of the present attempt has been looked at. */
export function noteInput(gauges: Gauges, input: Input, now: LabTime): void {
  if (!("pc" in input)) return;
  const gauge = gaugesOf(gauges, input.pc);
  switch (input.type) {
    case "ready":
      gauge.counters = input.counters;
      gauge.slowWork.reset();
      return;
    case "progress":
      gauge.counters = input.counters ?? gauge.counters;
      gauge.slowWork.note(input, now);
      gauge.bytesDone = input.bytesDone;
      gauge.bytesTotal = input.bytesTotal;
      return;
    case "delivery":
      gauge.unicast = input.reason;
      return;
    case "lane":
      gauge.straggling = input.reason;
      return;
    case "booting":
      gauge.askedAt = now;
      gauge.loaderAt = now;
      gauge.arpSince = null;
      return;
    case "lost":
      gauge.slowWork.reset();
      gauge.arpSince = null;
      return;
    case "seen":
      if (input.sign.kind === "loader" || input.sign.kind === "agent") {
        gauge.loaderAt = now;
        gauge.arpSince = null;
      } else if (input.sign.kind === "arp") gauge.arpSince ??= now;
      return;
  }
}
