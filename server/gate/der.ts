/** DER (ITU-T X.690), as far as it is written here. */
const sequenceTag = 0x30;
const integerTag = 0x02;
const coordinateBytes = 32;

/** An element: tag, length, contents. Browsers refuse a length with a zero in front. */
export function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const contents = Buffer.concat(parts);
  const { length } = contents;
  const lengthBytes =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.of(tag, ...lengthBytes), contents]);
}

export const sequence = (...parts: readonly Uint8Array[]): Buffer => der(sequenceTag, ...parts);

/**
 * An ECDSA signature on P-256 in the form that OpenSSL checks without being asked for another one: RFC 3279, 2.2.3.
 * `raw`: r‖s of 32 bytes each.
 */
export const derSignature = (raw: Uint8Array): Buffer =>
  sequence(integer(raw.subarray(0, coordinateBytes)), integer(raw.subarray(coordinateBytes)));

/** Without zeros in front, but for one before a highest bit that is set: it would be a sign. */
function integer(bytes: Uint8Array): Buffer {
  const first = bytes.findIndex((byte) => byte !== 0);
  const digits = first < 0 ? Buffer.of(0) : bytes.subarray(first);
  const sign = ((digits[0] as number) & 0x80) === 0 ? Buffer.of() : Buffer.of(0);
  return der(integerTag, sign, digits);
}
