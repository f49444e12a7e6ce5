/** The first configuration, as `roomcast setup` writes it. */
import { copyFile, mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { stringify } from "smol-toml";
import { writeDurably } from "../../core/node/write-durably.ts";
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

/** Whole or not at all; readable by the service, writable by root. One that is there is kept as FILE.old. */
export async function writeConfiguration(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o755 });
  await copyFile(path, `${path}.old`).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") throw error;
  });
  await writeDurably(path, text, { mode: 0o644 });
}
