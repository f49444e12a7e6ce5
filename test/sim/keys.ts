/** The keys of a simulated cast, and what they make of stored bytes: other noise. */
export interface SimKeys {
  readonly number: number;
  readonly packet: Uint8Array;
}

export const simKeys = (number: number): SimKeys => ({
  number,
  packet: new Uint8Array(8).fill(number + 1),
});
