import koffi from "koffi";

/** struct iovec, struct msghdr, struct mmsghdr */
const vectorBytes = 16;
const messageHeaderBytes = 56;
const slotBytes = 64;

/**
 * Message headers over one buffer, as sendmmsg and recvmmsg take them. An address inside a buffer
 * keeps nothing alive: whatever they point to is held here.
 */
export class Messages {
  readonly headers: Buffer;
  readonly data: Uint8Array;
  readonly control: Buffer;
  /** The control messages as words, which are read several times faster. */
  readonly controlWords: Uint32Array;
  readonly count: number;
  private readonly controlBytes: number;
  private readonly headerWords: Uint32Array;
  private readonly vectors: Buffer;
  private readonly dataAddress: bigint;

  /** `count` messages over `data`, each with `controlBytes` for control messages. */
  constructor(data: Uint8Array, count: number, controlBytes: number) {
    this.data = data;
    this.count = count;
    this.controlBytes = controlBytes;
    this.headers = Buffer.alloc(count * slotBytes);
    this.vectors = Buffer.alloc(count * vectorBytes);
    this.control = Buffer.alloc(Math.max(8, count * controlBytes));
    this.headerWords = wordsOf(this.headers);
    this.controlWords = wordsOf(this.control);
    this.dataAddress = koffi.address(data);
    const vectorAddress = koffi.address(this.vectors);
    const controlAddress = koffi.address(this.control);
    for (let index = 0; index < count; index++) {
      const at = index * slotBytes;
      this.headers.writeBigUInt64LE(vectorAddress + BigInt(index * vectorBytes), at + 16);
      this.headers.writeBigUInt64LE(1n, at + 24);
      if (controlBytes === 0) continue;
      this.headers.writeBigUInt64LE(controlAddress + BigInt(index * controlBytes), at + 32);
    }
    this.resetControl(count);
  }

  /** Message `index` is `length` bytes at `offset`. */
  point(index: number, offset: number, length: number): void {
    this.vectors.writeBigUInt64LE(this.dataAddress + BigInt(offset), index * vectorBytes);
    this.vectors.writeUInt32LE(length, index * vectorBytes + 8);
  }

  /** Changes the length of message `index`. */
  resize(index: number, length: number): void {
    this.vectors.writeUInt32LE(length, index * vectorBytes + 8);
  }

  /** The kernel has written into the control lengths and flags of the first `used`. */
  resetControl(used: number): void {
    const { headerWords, controlBytes } = this;
    for (let index = 0; index < used; index++) {
      const at = index * slotBytes;
      headerWords[(at + 40) >> 2] = controlBytes;
      headerWords[(at + 48) >> 2] = 0;
    }
  }

  /** Bytes received into message `index`. */
  lengthOf(index: number): number {
    return this.headerWords[(index * slotBytes + messageHeaderBytes) >> 2] as number;
  }

  /** Bytes of control messages received with message `index`. */
  controlLengthOf(index: number): number {
    return this.headerWords[(index * slotBytes + 40) >> 2] as number;
  }
}

const wordsOf = ({ buffer, byteOffset, length }: Buffer): Uint32Array =>
  new Uint32Array(buffer, byteOffset, length >> 2);
