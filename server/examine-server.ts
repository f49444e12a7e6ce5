/** What `doctor` finds while a server is running. */
import type { DoctorView } from "../core/wire/api.ts";
import { doctorView, examineHost } from "./doctor/examine.ts";
import {
  bootFindings,
  dhcpFindings,
  linkFindings,
  lossFindings,
  overlapFindings,
  querierFinding,
} from "./doctor/room-checks.ts";
import type { Lab } from "./lab/lab.ts";
import type { Networks } from "./networks.ts";

export async function examineServer(server: {
  readonly lab: Lab;
  readonly networks: Networks;
  readonly dataFolder: string;
  readonly bootFolder: string;
  readonly httpPort: number;
  readonly httpsPort: number;
  /** Whether PCs with Secure Boot get the site's own image. */
  readonly hasOwnImage: boolean;
}): Promise<DoctorView> {
  const { lab, networks, dataFolder, bootFolder, httpPort, httpsPort, hasOwnImage } = server;
  const pcs = lab.inventory.pcs().map((pc) => lab.pcView(pc));
  const answered = networks.served.map((network) => network.dhcpStatus());
  const findings = await examineHost({
    interfaces: networks.names.map((name) => ({
      name,
      pcAddresses: pcs.flatMap(({ id, ip, state }) =>
        ip === null || state === "offline" || lab.presence.networkOf(id) !== name ? [] : [ip],
      ),
    })),
    ...{ dataFolder, bootFolder },
    server: {
      ...{ pid: process.pid, httpPort, httpsPort, hasOwnImage },
      modes: answered.map(({ mode }) => mode),
    },
  });
  // The checks of the interfaces say it of those that are down.
  const told = [...networks.pcTroubles, ...networks.troubles, ...networks.overlaps];
  const wrong = lab.announcer.warnings.filter((text) => !told.includes(text));
  return doctorView(networks.names, true, [
    ...findings,
    ...overlapFindings(networks.overlaps),
    ...dhcpFindings(answered, wrong),
    ...bootFindings(networks.pcTroubles),
    ...networks.status().flatMap(({ interface: name }) => {
      const igmp = networks.igmpOf(name);
      return igmp === null ? [] : [querierFinding(name, igmp.querier(), igmp.listenedSeconds())];
    }),
    ...linkFindings(pcs),
    ...lossFindings(lab.sessions.views()),
  ]);
}
