/**
 * The master's network card in a Linux system's configuration. A MAC that a card is given is taken out:
 * two PCs would have the same. So is one that a connection is bound to, where the connection stays whole
 * without it; else it becomes that of this PC's card.
 */

export interface Pins {
  readonly text: string;
  /** MACs that stand for a card, and cannot be taken out: in lower case, with colons. */
  readonly macs: readonly string[];
}

/** `own`: this PC's MAC, put in the place of each of `macs`; null: they stay. */
type Edit = (text: string, own: string | null) => Pins;

const macPattern = "(?:[0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}";
const isMac = new RegExp(`^["']?${macPattern}["']?$`);
const plain = (mac: string): string => mac.toLowerCase().replaceAll("-", ":");

/** Lines for which `keep` says no are left out. */
const filtered = (text: string, keep: (line: string) => boolean): Pins => ({
  text: text.split("\n").filter(keep).join("\n"),
  macs: [],
});

/** The sections of an INI file: whether its lines stay, and as what. */
function inSections(text: string, edit: (section: string, line: string) => string | null): string {
  let section = "";
  return text
    .split("\n")
    .flatMap((line) => {
      section = /^\s*\[([^\]]*)\]/.exec(line)?.[1] ?? section;
      return edit(section, line) ?? [];
    })
    .join("\n");
}

/** nm-settings-keyfile(5): `mac-address` binds a connection, `cloned-mac-address` gives the card one. */
export const networkManagerPins: Edit = (text) =>
  filtered(text, (line) => {
    const [, key, value = ""] = /^\s*((?:cloned-)?mac-address)\s*=\s*(.*?)\s*$/.exec(line) ?? [];
    return key === undefined || (key === "cloned-mac-address" && !isMac.test(value));
  });

/** Of Red Hat's and SUSE's `ifcfg-NAME`. */
export const ifcfgPins: Edit = (text) =>
  filtered(text, (line) => {
    const [, value = ""] = /^\s*(?:HWADDR|MACADDR|LLADDR)\s*=\s*(.*?)\s*$/.exec(line) ?? [];
    return !isMac.test(value);
  });

/** interfaces(5) */
export const ifupdownPins: Edit = (text) =>
  filtered(text, (line) => !new RegExp(`^\\s*hwaddress\\s.*${macPattern}`).test(line));

/** systemd.network(5), systemd.link(5), systemd.netdev(5) */
export const networkdPins: Edit = (text, own) => {
  const macs: string[] = [];
  const edited = inSections(text, (section, line) => {
    const found = /^(\s*(?:Permanent)?MACAddress\s*=\s*)(.*?)\s*$/.exec(line);
    if (found === null) return line;
    const [, key = "", value = ""] = found;
    if (section !== "Match") return isMac.test(value) ? null : line;
    const named = value.split(/\s+/).filter((each) => isMac.test(each));
    macs.push(...named.map(plain));
    return own === null || named.length === 0 ? line : key + own;
  });
  return { text: edited, macs };
};

/** netplan-yaml(5): `macaddress` binds below `match`, elsewhere it gives the card one. */
export const netplanPins: Edit = (text, own) => {
  const macs: string[] = [];
  const lines = text.split("\n");
  const pinned = (line: string, mac: string): string => {
    macs.push(plain(mac));
    return own === null ? line : line.replace(mac, own);
  };
  const edited = lines.flatMap((line, at) => {
    const inline = new RegExp(`match:\\s*\\{[^}]*macaddress:\\s*["']?(${macPattern})`).exec(line);
    if (inline !== null) return pinned(line, inline[1] as string);
    const found = new RegExp(`^(\\s*)macaddress:\\s*["']?(${macPattern})["']?\\s*(?:#.*)?$`).exec(
      line,
    );
    if (found === null) return line;
    const [, indent = "", mac = ""] = found;
    const parent = lines
      .slice(0, at)
      .reverse()
      .find((each) => /^\s*[^\s#]/.test(each) && indentOf(each) < indent.length);
    return parent?.trim().startsWith("match:") ? pinned(line, mac) : [];
  });
  return { text: edited.join("\n"), macs };
};

const indentOf = (line: string): number => line.length - line.trimStart().length;

/** udev(7): a rule of the owner's own, by which a card has its name. */
export const udevPins: Edit = (text, own) => {
  const macs: string[] = [];
  const rule = new RegExp(`(ATTRS?\\{address\\}\\s*==\\s*")(${macPattern})(")`, "g");
  const edited = text.split("\n").map((line) =>
    /^\s*#/.test(line)
      ? line
      : line.replace(rule, (whole, before: string, mac: string, after: string) => {
          macs.push(plain(mac));
          return own === null ? whole : before + own + after;
        }),
  );
  return { text: edited.join("\n"), macs };
};
