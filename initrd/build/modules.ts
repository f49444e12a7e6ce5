/**
 * Which kernel modules go into the image, and the tables by which modprobe finds them: what depmod
 * does, for a chosen set. Formats: kmod's modules.dep(5), and modules.alias as depmod writes it.
 */
import type { Decoded } from "../../core/errors.ts";
import { readModinfo } from "./elf.ts";

/** A module as its file says: names with `_`, as the kernel spells them. */
export interface KernelModule {
  readonly name: string;
  /** Below `lib/modules/VERSION/`: `kernel/drivers/net/ethernet/intel/e1000e/e1000e.ko`. */
  readonly path: string;
  /** Modules whose symbols it uses: must be loaded before it. */
  readonly depends: readonly string[];
  /** Modules, or aliases of modules, that it asks to have loaded before it (`softdep=pre:`). */
  readonly softBefore: readonly string[];
  /** Patterns of modaliases that it serves: `pci:v00008086d000010D3sv*sd*bc*sc*i*`. */
  readonly aliases: readonly string[];
  /** Firmware files that it may ask for, below `lib/firmware/`. */
  readonly firmware: readonly string[];
}

/** A module's name from its file name, or from a list: `-` and `_` are the same to the kernel. */
export const moduleName = (text: string): string =>
  (text.split("/").at(-1) as string).replace(/\.ko$/, "").replaceAll("-", "_");

/** Reads what a module's file says of itself. */
export function describeModule(path: string, file: Uint8Array): Decoded<KernelModule> {
  const modinfo = readModinfo(file);
  if (!modinfo.ok) return modinfo;
  const all = (key: string): string[] =>
    modinfo.value.filter((field) => field.key === key).map((field) => field.value);
  const listed = (values: readonly string[], separator: RegExp): string[] =>
    values.flatMap((value) => value.split(separator)).filter((item) => item !== "");
  return {
    ok: true,
    value: {
      name: moduleName(path),
      path,
      depends: listed(all("depends"), /,/).map(moduleName),
      softBefore: all("softdep").flatMap(softBefore),
      aliases: all("alias"),
      firmware: all("firmware"),
    },
  };
}

/** `pre: a b post: c` → a, b. */
function softBefore(text: string): string[] {
  const names: string[] = [];
  let before = false;
  for (const word of text.split(/\s+/)) {
    if (word === "pre:" || word === "post:") before = word === "pre:";
    else if (before && word !== "") names.push(moduleName(word));
  }
  return names;
}

/** What the chosen modules come to. */
export interface ModuleSet {
  /** Chosen ones and all they need, sorted by path. */
  readonly modules: readonly KernelModule[];
  /** Asked for, but neither a module nor built in. */
  readonly missing: readonly string[];
}

/**
 * The chosen modules with everything they depend on, hard and soft. `builtin` are names that the
 * kernel has inside. A soft dependency that nothing provides is left out: it is a request.
 */
export function closeModules(
  all: readonly KernelModule[],
  builtin: ReadonlySet<string>,
  wanted: readonly string[],
): ModuleSet {
  const byName = new Map(all.map((module) => [module.name, module]));
  const byAlias = exactAliases(all);
  const chosen = new Map<string, KernelModule>();
  const missing = new Set<string>();
  const queue: { name: string; request: boolean }[] = wanted.map((name) => ({
    name: moduleName(name),
    request: false,
  }));
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    const module = byName.get(next.name) ?? (next.request ? byAlias.get(next.name) : undefined);
    if (module === undefined) {
      if (!next.request && !builtin.has(next.name)) missing.add(next.name);
      continue;
    }
    if (chosen.has(module.name)) continue;
    chosen.set(module.name, module);
    for (const name of module.depends) queue.push({ name, request: false });
    for (const name of module.softBefore) queue.push({ name, request: true });
  }
  const modules = [...chosen.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
  return { modules, missing: [...missing].sort() };
}

/**
 * `modules.dep`: a module, a colon, and all it needs, nearest last, so that loading from the right
 * to the left meets every dependency first. busybox's modprobe knows no soft dependencies: those
 * that come before are written as if they were hard.
 */
export function modulesDep(modules: readonly KernelModule[]): string {
  const byName = new Map(modules.map((module) => [module.name, module]));
  const byAlias = exactAliases(modules);
  const direct = (module: KernelModule): KernelModule[] =>
    [...module.depends, ...module.softBefore]
      .map((name) => byName.get(name) ?? byAlias.get(name))
      .filter((found) => found !== undefined);
  return modules
    .map((module) => {
      const order: KernelModule[] = [];
      const visiting = new Set<KernelModule>([module]);
      const visit = (needed: KernelModule): void => {
        if (visiting.has(needed)) return;
        visiting.add(needed);
        direct(needed).forEach(visit);
        order.push(needed);
      };
      direct(module).forEach(visit);
      return `${module.path}:${order
        .reverse()
        .map((needed) => ` ${needed.path}`)
        .join("")}\n`;
    })
    .join("");
}

/** `modules.alias`: one line for each pattern and module. */
export const modulesAlias = (modules: readonly KernelModule[]): string =>
  modules
    .flatMap((module) => module.aliases.map((alias) => `alias ${alias} ${module.name}\n`))
    .join("");

/** Names such as `crypto-crc32c`; patterns are no names. The first module by path wins. */
function exactAliases(modules: readonly KernelModule[]): Map<string, KernelModule> {
  const byAlias = new Map<string, KernelModule>();
  for (const module of modules) {
    for (const alias of module.aliases) {
      const name = moduleName(alias);
      if (!/[*?[]/.test(alias) && !byAlias.has(name)) byAlias.set(name, module);
    }
  }
  return byAlias;
}
