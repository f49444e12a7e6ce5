/**
 * The certificate that carries the gate's key in a TLS handshake (RFC 5280). Agents look at the key alone,
 * so it says as little as a certificate can: a name, and dates that no clock is outside of.
 */
import { type KeyObject, randomBytes, sign } from "node:crypto";
import { spkiOf } from "../../core/node/key-forms.ts";
import { gateServername } from "../../core/node/pin.ts";
import { der, sequence } from "./der.ts";

const text = (tag: number, value: string): Buffer => der(tag, Buffer.from(value, "latin1"));

// Object identifiers: ecdsa-with-SHA256 (RFC 5758), commonName (X.520), subjectAltName (RFC 5280).
const ecdsaWithSha256 = sequence(der(0x06, Buffer.of(0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2)));
const commonName = der(0x06, Buffer.of(0x55, 4, 3));
const subjectAltName = der(0x06, Buffer.of(0x55, 0x1d, 17));

/** RFC 5280, 4.1.2.5: two digits of the year before 2050; the end of time for a certificate without an end. */
const validity = sequence(text(0x17, "700101000000Z"), text(0x18, "99991231235959Z"));

/** A certificate of its own for a P-256 key, in PEM. */
export function selfSigned(key: KeyObject): string {
  const name = sequence(der(0x31, sequence(commonName, text(0x0c, "roomcast gate"))));
  // dNSName is the third choice of GeneralName.
  const names = sequence(text(0x82, gateServername));
  const body = sequence(
    // Version 3.
    der(0xa0, der(0x02, Buffer.of(2))),
    // The serial number: positive, and without zeros in front.
    der(0x02, Buffer.of(0x40), randomBytes(15)),
    ecdsaWithSha256,
    name,
    validity,
    name,
    spkiOf(key),
    der(0xa3, sequence(sequence(subjectAltName, der(0x04, names)))),
  );
  // A bit string begins with how many bits of its last byte are unused.
  const signature = der(0x03, Buffer.of(0), sign("sha256", body, key));
  const base64 = sequence(body, ecdsaWithSha256, signature).toString("base64");
  const lines = base64.match(/.{1,64}/g) ?? [];
  return ["-----BEGIN CERTIFICATE-----", ...lines, "-----END CERTIFICATE-----", ""].join("\n");
}
