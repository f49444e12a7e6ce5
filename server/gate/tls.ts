/** The TLS of the HTTPS port: one listener, and two keys by the name that a client asks for. */
import type { ServerOptions } from "node:https";
import { createSecureContext, type SecureContext, type Server } from "node:tls";
import { gateServername } from "../../core/node/pin.ts";
import type { GateKey } from "./keys.ts";
import type { SiteCertificate } from "./site-certificate.ts";

/** For a handshake, in milliseconds: a PC on the same network takes a hundredth of it. */
const handshakeMs = 5000;

const contextOf = ({ key, cert }: SiteCertificate): SecureContext =>
  createSecureContext({ key, cert, minVersion: "TLSv1.3" });

/** Whose certificate a handshake shows. */
export class Tls {
  private readonly site: SiteCertificate | null;
  private readonly siteContext: SecureContext | null;
  private gateContext: SecureContext;
  private gate: GateKey;

  /** Without a certificate of the site, the gate's is everybody's. */
  constructor(gate: GateKey, site: SiteCertificate | null) {
    this.gate = gate;
    this.site = site;
    this.siteContext = site === null ? null : contextOf(site);
    this.gateContext = contextOf(gate);
  }

  options(): ServerOptions {
    const { key, cert } = this.site ?? this.gate;
    return {
      // For clients that name nobody: browsers and tools that were given an address.
      ...{ key, cert },
      minVersion: "TLSv1.3",
      ALPNProtocols: ["http/1.1"],
      handshakeTimeout: handshakeMs,
      // Without it, no handshake is held up to ask which of one certificate to show.
      ...(this.siteContext === null ? {} : { SNICallback: this.byName(this.siteContext) }),
    };
  }

  private byName(site: SecureContext): ServerOptions["SNICallback"] {
    return (name, answer) => answer(null, name === gateServername ? this.gateContext : site);
  }

  /** The gate has another key: handshakes from now on show that one. */
  renew(server: Server, gate: GateKey): void {
    this.gate = gate;
    this.gateContext = contextOf(gate);
    const { key, cert } = this.site ?? gate;
    server.setSecureContext({ key, cert, minVersion: "TLSv1.3" });
  }
}
