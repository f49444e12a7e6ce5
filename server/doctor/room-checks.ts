/** What `doctor` finds about the network and the PCs, from what the server has seen of them. */

import type { DhcpStatus, Finding } from "../../core/wire/api.ts";
import type { PcView, SessionView } from "../../core/wire/views.ts";
import type { Querier } from "../host/igmp-listener.ts";
import { ok, warning } from "./host-checks.ts";

/** How DHCP is answered on each network, or what is wrong with it. */
export function dhcpFindings(
  answered: readonly DhcpStatus[],
  warnings: readonly string[],
): Finding[] {
  const check = "DHCP";
  // Each warning says what to do.
  if (warnings.length > 0)
    return warnings.map((text) => ({ check, level: "problem", text, mend: null }));
  return answered.map(({ mode, why, otherServers }) => {
    const others = otherServers.length === 0 ? "" : `; other servers: ${otherServers.join(", ")}`;
    return ok(check, `${mode}, ${why}${others}`);
  });
}

/** Networks that are not apart; each line says what to do. */
export const overlapFindings = (texts: readonly string[]): Finding[] =>
  texts.map((text) => ({ check: "interface", level: "problem", text, mend: null }));

/** PCs whose network boot does not go on; each line says what it may mean. */
export const bootFindings = (pcs: readonly string[]): Finding[] =>
  pcs.map((text) => ({ check: "network boot", level: "warning", text, mend: null }));

/** IGMP queriers ask every 125 s (RFC 3376 section 8.2); two intervals without a query are too long. */
const querierSilenceSeconds = 260;

/** Whether somebody asks for multicast memberships; null: it was not listened for long enough to say no. */
export function isQueried(querier: Querier | null, listenedSeconds: number): boolean | null {
  if (querier !== null && querier.heardAgo < querierSilenceSeconds) return true;
  return listenedSeconds < querierSilenceSeconds ? null : false;
}

export function querierFinding(
  interfaceName: string,
  querier: Querier | null,
  listenedSeconds: number,
): Finding {
  const check = "IGMP querier";
  if (querier !== null && querier.heardAgo < querierSilenceSeconds)
    return ok(
      check,
      `${querier.address} sent a query on ${interfaceName} ${Math.round(querier.heardAgo)} s ago`,
    );
  if (listenedSeconds < querierSilenceSeconds) {
    const left = Math.ceil((querierSilenceSeconds - listenedSeconds) / 60);
    return ok(
      check,
      `no query was heard on ${interfaceName} yet; the server has to listen for ${left} more min to be sure`,
    );
  }
  return warning(
    check,
    `no IGMP querier on ${interfaceName}: a switch with IGMP snooping stops multicast after some minutes`,
    "if PCs get their data only by HTTP, turn on the switch's IGMP querier, or turn off its IGMP snooping",
  );
}

const goodMbps = 1000;

export function linkFindings(pcs: readonly PcView[]): Finding[] {
  const known = pcs.filter(({ nic, state }) => nic.speedMbps !== null && state !== "offline");
  const slow = known.filter(({ nic }) => (nic.speedMbps ?? 0) < goodMbps);
  if (known.length === 0) return [];
  if (slow.length === 0)
    return [ok("link speed", `all ${known.length} PCs have 1000 Mbit/s or more`)];
  return slow.map(({ name, nic }) =>
    warning(
      "link speed",
      `${name} has a link of only ${nic.speedMbps} Mbit/s`,
      "check its cable (all eight wires) and its switch port",
    ),
  );
}

/** A fraction: up to this loss, coded repairs cost little. */
const lossyRatio = 0.01;

/** The loss of each PC in its latest session. */
export function lossFindings(sessions: readonly SessionView[]): Finding[] {
  const latest = new Map<
    string,
    { readonly at: string; readonly name: string; readonly loss: number }
  >();
  for (const { startedAt, members } of sessions)
    for (const { pc, name, lossRatio } of members) {
      if (lossRatio === null || (latest.get(pc)?.at ?? "") > startedAt) continue;
      latest.set(pc, { at: startedAt, name, loss: lossRatio });
    }
  const lossy = [...latest.values()].filter(({ loss }) => loss > lossyRatio);
  if (latest.size === 0) return [];
  if (lossy.length === 0)
    return [ok("loss", `no PC lost more than 1 % in its last session (${latest.size} PCs)`)];
  return lossy.map(({ name, loss }) =>
    warning(
      "loss",
      `${name} lost ${(loss * 100).toFixed(1)} % of the packets in its last session`,
      "check its cable and switch port; if many PCs lose packets, cap the rate ([cast] rateMbps)",
    ),
  );
}
