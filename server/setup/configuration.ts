/** The first configuration, as `roomcast setup` writes it. */
import { stringify } from "smol-toml";
import type { Language } from "../../core/wire/language.ts";

export interface Chosen {
  readonly interface: string;
  readonly dhcp: "auto" | "server" | "proxy" | "off";
  /** FIRST-LAST; null: the upper half of the subnet. */
  readonly range: string | null;
  /** Of the PCs' screens; null: English. */
  readonly language: Language | null;
}

export const configurationText = ({ interface: name, dhcp, range, language }: Chosen): string => {
  const network = { interface: name, dhcp, ...(range === null ? {} : { range }) };
  const server = language === null ? {} : { server: { language } };
  return `# Written by roomcast setup. What else may stand here: /usr/share/doc/roomcast/configuration.md
# After a change: systemctl restart roomcast

${stringify({ ...server, network: [network] })}`;
};
