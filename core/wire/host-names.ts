/** Which PCs' names may be host names of the systems that an image holds. */
import { foldedName, type NameFault } from "./names.ts";

/** Systems with rules of their own for names; `any system`: what all of them agree on. */
export type HostSystem = "Windows" | "Linux" | "FreeBSD" | "any system";

/** One part of a domain name: RFC 1123 section 2.1, and RFC 1035 section 2.3.4 for its length. */
const dnsLabel = "[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?";
/** A host name of one label. */
export const hostNamePattern = `^${dnsLabel}$`;
/** A domain name is at most 253 characters long as it is written. */
export const domainPattern = `^(?=.{1,253}$)${dnsLabel}(\\.${dnsLabel})*$`;

/** File systems, as blkid names them, by the system that starts from them. */
const systemOfFs: ReadonlyMap<string | null, HostSystem> = new Map([
  ["ntfs", "Windows"],
  ["ufs", "FreeBSD"],
  // Volumes of LVM are told apart on the restored disk only, and no other system has them.
  ...["ext2", "ext3", "ext4", "xfs", "btrfs", "LVM2_member"].map((fs) => [fs, "Linux"] as const),
]);

/** In letters. RFC 1035 section 2.3.4 for a label; Microsoft's NetBIOS names have 16 bytes, the last of them their kind. */
const limitOf: Readonly<Record<HostSystem, number>> = {
  ...{ Windows: 15, Linux: 63, FreeBSD: 63 },
  "any system": 63,
};

/** The systems that an image with these partitions may hold. */
export const systemsOn = (
  partitions: readonly { readonly fs: string | null }[],
): readonly HostSystem[] => [...new Set(partitions.flatMap(({ fs }) => systemOfFs.get(fs) ?? []))];

/** Why a name cannot be a host name of the system, as the end of a sentence; null: it can. */
export function hostNameFault(name: string, system: HostSystem): string | null {
  const limit = limitOf[system];
  // RFC 1123 section 2.1: letters, digits and hyphens, and no hyphen at either end.
  const odd = /[^A-Za-z0-9-]/.exec(name)?.[0];
  if (odd !== undefined) return `it has ${JSON.stringify(odd)}`;
  if (name.length > limit) return `it has ${name.length} characters, and ${limit} are allowed`;
  if (name === "" || /^-|-$/.test(name)) return "it begins or ends with a hyphen";
  return system === "Windows" && /^\d+$/.test(name) ? "it has only digits" : null;
}

/**
 * What keeps PCs from being named each by its own name on these systems: names that one of them does not
 * take, and names that become one there. Host names are the same in small and in capital letters.
 */
export function hostNameFaults(
  pcs: readonly { readonly name: string }[],
  systems: readonly HostSystem[],
): NameFault[] {
  return systems.flatMap((system) => {
    const limit = limitOf[system];
    const allowed = `at most ${limit} letters, digits and hyphens${system === "Windows" ? ", not only digits" : ""}`;
    const odd = pcs.flatMap(({ name }) => {
      const why = hostNameFault(name, system);
      if (why === null) return [];
      const what = `${name} cannot be a host name of ${system}: ${why}`;
      const next = `rename it (${allowed}) with \`roomcast pc set ${name} --name\`, or restore with --personalise none`;
      return [{ what, next }];
    });
    const same = namesakes(pcs, limit)
      .filter((names) => names.length > 1)
      .map((names) => {
        const what = `${names.join(" and ")} are one name for ${system}`;
        const next = `rename them so that they differ in the first ${limit} letters, or restore with --personalise none`;
        return { what, next };
      });
    return [...odd, ...same];
  });
}

/** The names, those together that are one in their first letters. */
function namesakes(pcs: readonly { readonly name: string }[], limit: number): string[][] {
  const groups = new Map<string, string[]>();
  for (const { name } of pcs) {
    const key = foldedName(name.slice(0, limit));
    groups.set(key, [...(groups.get(key) ?? []), name]);
  }
  return [...groups.values()];
}
