/** An ECDSA signature on P-256 in the form that OpenSSL checks without being asked for another one: RFC 3279, 2.2.3. */
const sequenceTag = 0x30;
const integerTag = 0x02;
const coordinateBytes = 32;

/** `raw`: r‖s of 32 bytes each. */
export function derSignature(raw: Uint8Array): Uint8Array {
  const parts = [raw.subarray(0, coordinateBytes), raw.subarray(coordinateBytes)].flatMap(integer);
  return Uint8Array.of(sequenceTag, parts.length, ...parts);
}

/** Without zeros in front, but for one before a highest bit that is set: it would be a sign. */
function integer(bytes: Uint8Array): number[] {
  const first = bytes.findIndex((byte) => byte !== 0);
  const digits = first < 0 ? [0] : [...bytes.subarray(first)];
  if (((digits[0] as number) & 0x80) !== 0) digits.unshift(0);
  return [integerTag, digits.length, ...digits];
}
