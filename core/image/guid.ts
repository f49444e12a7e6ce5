/** GUIDs as UEFI has them in bytes (2.10, appendix A): the first three fields are little endian. */

/** Where the digits of the text are in the bytes; -1: a hyphen. */
const order = [3, 2, 1, 0, -1, 5, 4, -1, 7, 6, -1, 8, 9, -1, 10, 11, 12, 13, 14, 15];

/** Of the first 16 bytes, in lower case. */
export const guidText = (data: Uint8Array): string =>
  order.map((at) => (at < 0 ? "-" : (data[at] as number).toString(16).padStart(2, "0"))).join("");

export function guidBytes(text: string): Uint8Array {
  const digits = text.replaceAll("-", "");
  const data = new Uint8Array(16);
  order
    .filter((at) => at >= 0)
    .forEach((at, index) => {
      data[at] = Number.parseInt(digits.slice(index * 2, index * 2 + 2), 16);
    });
  return data;
}
