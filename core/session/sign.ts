/** Something on the network that shows what a PC runs. */
export type Sign =
  /** Firmware, or a boot loader. */
  | { readonly kind: "loader" }
  /** The boot image, with the agent. */
  | { readonly kind: "agent" }
  /** A system that asks for an address: its guessed name, and the host name that it gives. */
  | { readonly kind: "dhcp"; readonly system: string | null; readonly host: string | null }
  | { readonly kind: "arp"; readonly address: string }
  | { readonly kind: "ssh"; readonly address: string; readonly banner: string };
