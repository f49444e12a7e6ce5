/** The firmware's variables of booting, in the files of efivarfs: four bytes of attributes, then the value. */
import { constants } from "node:fs";
import { open, readdir, readFile, unlink } from "node:fs/promises";
import type { BootVariables } from "../../../core/boot/boot-entries.ts";
import { decodeNumbers, entryNumber } from "../../../core/boot/efi-entry.ts";
import { clearImmutable } from "../../../core/node/disk-calls.ts";

/** EFI_GLOBAL_VARIABLE (UEFI 2.10, section 3.3) */
const globalVariable = "8be4df61-93ca-11d2-aa0d-00e098032b8c";
/** NON_VOLATILE, BOOTSERVICE_ACCESS and RUNTIME_ACCESS, as section 3.3 demands of these. */
const attributes = Uint8Array.of(7, 0, 0, 0);
const attributeBytes = attributes.length;

export class EfiVariables {
  readonly #folder: string;

  /** Where efivarfs is mounted. */
  constructor(folder: string) {
    this.#folder = folder;
  }

  async read(): Promise<BootVariables> {
    const entries = new Map<number, Uint8Array>();
    const names = await readdir(this.#folder);
    for (const name of names) {
      const digits = /^Boot([0-9A-F]{4})-(.+)$/i.exec(name);
      if (digits?.[2] !== globalVariable) continue;
      const value = await this.#value(name);
      if (value !== null) entries.set(Number.parseInt(digits[1] as string, 16), value);
    }
    const order = await this.#value(`BootOrder-${globalVariable}`);
    const current = await this.#value(`BootCurrent-${globalVariable}`);
    return {
      entries,
      order: decodeNumbers(order ?? new Uint8Array()),
      current: decodeNumbers(current ?? new Uint8Array())[0] ?? null,
    };
  }

  writeEntry(number: number, value: Uint8Array): Promise<void> {
    return this.#write(`Boot${entryNumber(number)}`, value);
  }

  writeOrder(value: Uint8Array): Promise<void> {
    return this.#write("BootOrder", value);
  }

  async removeEntry(number: number): Promise<void> {
    const path = this.#path(`Boot${entryNumber(number)}`);
    await this.#loosen(path);
    await unlink(path);
  }

  #path(name: string): string {
    return `${this.#folder}/${name}-${globalVariable}`;
  }

  async #value(file: string): Promise<Uint8Array | null> {
    const data = await readFile(`${this.#folder}/${file}`).catch(() => null);
    return data === null || data.length < attributeBytes ? null : data.subarray(attributeBytes);
  }

  /** In one call, for each is a call of the firmware. */
  async #write(name: string, value: Uint8Array): Promise<void> {
    const path = this.#path(name);
    await this.#loosen(path);
    await using file = await open(
      path,
      constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC,
      0o644,
    );
    await file.write(Buffer.concat([attributes, value]));
  }

  /** efivarfs protects variables that it does not know from being removed by mistake. */
  async #loosen(path: string): Promise<void> {
    const file = await open(path, constants.O_RDONLY).catch(() => null);
    if (file === null) return;
    await using opened = file;
    await clearImmutable(opened.fd);
  }
}
