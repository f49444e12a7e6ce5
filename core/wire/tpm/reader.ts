/**
 * Reads TPM structures (TCG TPM 2.0 Part 2: big-endian, unpadded). Beyond the end it reads zeros and
 * remembers that the bytes were too few, so that a decoder asks once, at its end.
 */
export class TpmReader {
  readonly #bytes: Uint8Array;
  #offset = 0;
  #isTruncated = false;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get isTruncated(): boolean {
    return this.#isTruncated;
  }

  /** Bytes that were not read yet. */
  get left(): number {
    return this.#bytes.length - this.#offset;
  }

  u8(): number {
    return this.#number(1);
  }

  u16(): number {
    return this.#number(2);
  }

  u32(): number {
    return this.#number(4);
  }

  u64(): bigint {
    return BigInt(this.u32()) * 2n ** 32n + BigInt(this.u32());
  }

  /** A copy of that many bytes; of none when they are not there. */
  bytes(count: number): Uint8Array {
    if (count > this.left) {
      this.#isTruncated = true;
      this.#offset = this.#bytes.length;
      return new Uint8Array(0);
    }
    this.#offset += count;
    return Uint8Array.from(this.#bytes.subarray(this.#offset - count, this.#offset));
  }

  /** A TPM2B: a size of two bytes, and that many bytes. */
  sized(): Uint8Array {
    return this.bytes(this.u16());
  }

  #number(count: number): number {
    let value = 0;
    for (const byte of this.bytes(count)) value = value * 256 + byte;
    return value;
  }
}
