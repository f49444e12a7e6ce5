/** What PCs with Windows are given beside their names: the settings of their rooms, and drivers. */
import { join } from "node:path";
import { mayHaveSecrets } from "../../core/trust/level.ts";
import { driverPieceBytes, type WindowsPersonal } from "../../core/wire/personal.ts";
import type { Admissions } from "./admissions.ts";
import { Drivers } from "./drivers.ts";
import type { Inventory } from "./inventory.ts";
import { windowsSettings } from "./windows-settings.ts";

export interface WindowsPorts {
  readonly dataFolder: string;
  readonly inventory: Inventory;
  readonly admissions: Admissions;
}

export class WindowsPcs {
  private readonly ports: WindowsPorts;
  private readonly settingsFolder: string;
  private readonly drivers: Drivers;

  constructor(ports: WindowsPorts) {
    this.ports = ports;
    this.settingsFolder = join(ports.dataFolder, "windows");
    this.drivers = new Drivers(join(ports.dataFolder, "drivers"));
  }

  /**
   * null: the owner keeps nothing for this PC. Throws `bad-input` and `refused` for files in the data folder
   * that cannot be given.
   */
  async give(id: string): Promise<WindowsPersonal | null> {
    const { inventory, admissions } = this.ports;
    const { name, room, hello } = inventory.find(id);
    const { secrets } = inventory.room(room).settings;
    const maySecrets = mayHaveSecrets(admissions.standing(id).level, secrets);
    const settings = await windowsSettings(this.settingsFolder, { room, name, maySecrets });
    const drivers = await this.drivers.list(hello.identity);
    const isAny = drivers.length > 0 || Object.values(settings).some(Boolean);
    return isAny ? { ...settings, drivers } : null;
  }

  /** A piece of a driver's file; shorter than the others, or empty: the last. Throws `not-found`. */
  async driver(id: string, path: string, piece: number): Promise<Uint8Array> {
    const { hello } = this.ports.inventory.find(id);
    await using file = await this.drivers.open(hello.identity, path);
    const into = Buffer.alloc(driverPieceBytes);
    let length = 0;
    for (let read = 1; read > 0 && length < into.length; length += read) {
      const at = piece * driverPieceBytes + length;
      read = (await file.read(into, length, into.length - length, at)).bytesRead;
    }
    return into.subarray(0, length);
  }
}
