import type { X509Certificate } from "node:crypto";
import type { TLSSocket } from "node:tls";
import type { FastifyRequest } from "fastify";
import { assert } from "../../core/errors.ts";
import { exporterOf } from "../../core/node/pin.ts";

/** The TLS connection that a login is bound to, as both its ends know it. */
export interface Channel {
  /** 32 bytes that only the two ends can derive. */
  readonly exporter: Uint8Array;
  /** The public key that the server has shown on it, DER. */
  readonly serverSpki: Uint8Array;
}

/** Of the certificate that was shown last: all PCs that come are shown the same. */
let shown: { readonly certificate: Buffer; readonly spki: Uint8Array } | null = null;

function spkiShown({ raw, publicKey }: X509Certificate): Uint8Array {
  if (shown?.certificate.equals(raw) !== true)
    shown = { certificate: raw, spki: publicKey.export({ type: "spki", format: "der" }) };
  return shown.spki;
}

/** The channel that a request came by. A link that is not on TLS is a bug: its route is on no other listener. */
export function channelOf({ raw }: FastifyRequest): Channel {
  const socket = raw.socket as TLSSocket;
  assert(socket.encrypted, "a link is on TLS");
  const certificate = socket.getX509Certificate();
  assert(certificate !== undefined, "the server has shown a certificate");
  return {
    exporter: exporterOf(socket),
    serverSpki: spkiShown(certificate),
  };
}
