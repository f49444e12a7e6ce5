/** RFC 5480, 2.1.1 and 2.2: a SubjectPublicKeyInfo of a point of P-256, up to the point's coordinates. */
const p256Prefix: readonly number[] = [
  // SEQUENCE of 89 bytes.
  ...[0x30, 0x59],
  // SEQUENCE: the object identifiers of id-ecPublicKey and of secp256r1.
  ...[0x30, 0x13],
  ...[0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01],
  ...[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07],
  // BIT STRING of 66 bytes without unused bits; 4: both coordinates follow.
  ...[0x03, 0x42, 0x00, 0x04],
];

/** The public key, in DER, of a point of P-256 with coordinates of 32 bytes each. */
export const p256Spki = (x: Uint8Array, y: Uint8Array): Uint8Array =>
  Uint8Array.of(...p256Prefix, ...x, ...y);

/** Whether it is in the one form that `p256Spki` gives; not whether the point is on the curve. */
export const isP256Spki = (spki: Uint8Array): boolean =>
  spki.length === p256Prefix.length + 64 && p256Prefix.every((byte, at) => spki[at] === byte);
