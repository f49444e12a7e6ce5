/** The name of a PC in the hive SYSTEM: where Windows keeps it, once in each control set. */
import { RoomcastError } from "../../../core/errors.ts";
import type { KeyChange } from "./edit-hive.ts";
import { type HiveKey, keyAt, textOf, valueAt } from "./hive.ts";

/** As many as NetBIOS has letters for; and not all digits. */
const windowsName = /^(?!\d+$)[A-Za-z0-9][A-Za-z0-9-]{0,14}$/;

/** Rejects with `refused` a name that Windows would not take. */
export function requireWindowsName(name: string): void {
  if (windowsName.test(name)) return;
  const what = `Windows takes at most 15 letters, digits and hyphens, and not digits alone, for a name: ${name}`;
  throw new RoomcastError("refused", what, "give the PC another name (`pc set PC --name`)");
}

/** What is to be set so that the PC has this name: no more than differs. Empty: it has it already. */
export function nameChanges(root: HiveKey, name: string, domain: string | null): KeyChange[] {
  const netBios = { ComputerName: name.toUpperCase() };
  const host = { Hostname: name, "NV Hostname": name };
  const suffix = domain === null ? {} : { Domain: domain, "NV Domain": domain };
  return controlSets(root).flatMap((controlSet) => [
    ...change(root, [controlSet, "Control", "ComputerName", "ComputerName"], netBios),
    // Windows makes it at each start; an image may hold one all the same.
    ...change(root, [controlSet, "Control", "ComputerName", "ActiveComputerName"], netBios),
    ...change(root, [controlSet, "Services", "Tcpip", "Parameters"], { ...host, ...suffix }),
  ]);
}

/** Those that hold a computer's name. */
export const controlSets = (root: HiveKey): string[] =>
  root.keys
    .filter(({ name }) => /^ControlSet\d{3}$/i.test(name))
    .filter((key) => keyAt(key, "Control", "ComputerName", "ComputerName") !== undefined)
    .map(({ name }) => name);

/** As answer files spell it: `amd64`, `arm64`, `x86`. */
export function architectureOf(root: HiveKey): string {
  const [controlSet = ""] = controlSets(root);
  const environment = keyAt(root, controlSet, "Control", "Session Manager", "Environment");
  const value = valueAt(environment, "PROCESSOR_ARCHITECTURE");
  return value === undefined ? "amd64" : textOf(value).toLowerCase();
}

/** The file that Windows takes for its answer file before all others; empty: none is named. */
export function namedAnswerFile(root: HiveKey): string {
  const value = valueAt(keyAt(root, "Setup"), "UnattendFile");
  return value === undefined ? "" : textOf(value).trim();
}

function change(
  root: HiveKey,
  path: readonly string[],
  texts: Readonly<Record<string, string>>,
): KeyChange[] {
  const key = keyAt(root, ...path);
  if (key === undefined) return [];
  const differing = Object.entries(texts).filter(([name, text]) => {
    const value = valueAt(key, name);
    return value === undefined || value.type !== 1 || textOf(value) !== text;
  });
  return differing.length === 0 ? [] : [{ path, texts: Object.fromEntries(differing) }];
}
