/** How a client of the API knows its server over the network: by its key, or by its certificate. */
import type { Agent } from "node:https";
import { connectPinned } from "../../core/node/pin.ts";

export type ServerTrust =
  | { readonly pins: readonly string[] }
  /** Of whoever signed the certificate, in PEM; null: whom the system trusts. */
  | { readonly ca: string | null };

/** Makes connections to `url` that have shown what they have to before anything is said on them. */
export function agentFor(url: URL, trust: ServerTrust): Agent {
  const { Agent } = process.getBuiltinModule("node:https");
  if (!("pins" in trust)) {
    return new Agent({ minVersion: "TLSv1.3", ...(trust.ca === null ? {} : { ca: trust.ca }) });
  }
  const agent = new Agent();
  agent.createConnection = (_, onCreated) => {
    connectPinned({ url, pins: trust.pins }).then(
      ({ socket }) => onCreated?.(null, socket),
      (error: Error) => onCreated?.(error, null as never),
    );
    return undefined;
  };
  return agent;
}
