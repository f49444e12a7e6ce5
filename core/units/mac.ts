declare const mac: unique symbol;

/** An Ethernet address in lower case with colons: `52:54:00:7e:00:01`. */
export type MacAddress = string & { readonly [mac]: true };

/** Reads an address written with colons, dashes, dots or nothing between; `undefined` if it is none. */
export function parseMac(text: string): MacAddress | undefined {
  const hex = text.toLowerCase().replace(/[:.-]/g, "");
  if (!/^[0-9a-f]{12}$/.test(hex)) return undefined;
  return (hex.match(/../g) as string[]).join(":") as MacAddress;
}

/** The address in six bytes at `offset`. The caller has checked that they are there. */
export function macAt(packet: Uint8Array, offset: number): MacAddress {
  const parts: string[] = [];
  for (let index = 0; index < 6; index++) {
    parts.push((packet[offset + index] as number).toString(16).padStart(2, "0"));
  }
  return parts.join(":") as MacAddress;
}
