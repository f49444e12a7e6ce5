/** The keys that the server is known by, as operators see and renew them. */
import type { TrustView } from "../core/wire/api.ts";
import type { TrustPorts } from "./api/trust-routes.ts";
import type { OpenCampus } from "./campus/open-campus.ts";
import type { GateKey, GateKeys } from "./gate/keys.ts";
import type { AgentLinks } from "./gate/link.ts";
import type { SigningKeys } from "./gate/signing-keys.ts";
import type { Lab } from "./lab/lab.ts";
import type { Networks } from "./networks.ts";

export interface TrustParts {
  readonly keys: GateKeys;
  readonly signing: SigningKeys;
  readonly lab: Lab;
  readonly links: AgentLinks;
  readonly networks: Networks;
  /** What the servers of a campus share; null: there is no campus. */
  readonly shared: OpenCampus["shared"] | null;
}

export function trustPorts(parts: TrustParts): TrustPorts {
  const { keys, signing, lab, links, networks, shared } = parts;
  return {
    view: () => ({
      ...trustView(networks.home.gateUrl, keys, lab),
      signing: { ...signing.view, campus: shared?.signers.elsewhere() ?? [] },
    }),
    certificate: (session) => signing.sign(lab.certificate(session)),
    async rotate() {
      await keys.rotate();
      links.tellKeys();
    },
    async finish() {
      await keys.finish();
      await signing.renew();
      shared?.publish();
      for (const network of networks.served) network.renewTls();
      links.tellKeys();
    },
  };
}

function trustView(
  gate: string,
  { current, next }: GateKeys,
  lab: Lab,
): Omit<TrustView, "signing"> {
  const of = ({ pin, since }: GateKey) => ({ key: pin, since });
  const named = (isWanted: (isConnected: boolean) => boolean): string[] =>
    lab.inventory
      .pcs()
      .filter(({ id }) => isWanted(lab.agents.isConnected(id)))
      .map(({ name }) => name);
  return {
    ...{ gate, ...of(current), next: next === null ? null : of(next) },
    ...{ told: named((isConnected) => isConnected), away: named((isConnected) => !isConnected) },
  };
}
