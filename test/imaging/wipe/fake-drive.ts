/** A disk's controller that is not there: what it says of itself, and what it is told. */
import type { AtaCommand } from "../../../imaging/wipe/ata.ts";
import type { DriveCalls } from "../../../imaging/wipe/drive.ts";

const page = (length: number, put: (view: DataView) => void): Uint8Array => {
  const bytes = new Uint8Array(length);
  put(new DataView(bytes.buffer));
  return bytes;
};

export const controller = ({ oacs = 0, sanicap = 0, fna = 0 }): Uint8Array =>
  page(4096, (view) => {
    view.setUint16(256, oacs, true);
    view.setUint32(328, sanicap, true);
    view.setUint8(524, fna);
  });

export const namespace = ({ flbas = 0, dps = 0, dlfeat = 0 }): Uint8Array =>
  page(4096, (view) => {
    view.setUint8(26, flbas);
    view.setUint8(29, dps);
    view.setUint8(33, dlfeat);
  });

export const sanitizeLog = (status: number, progress: number): Uint8Array =>
  page(512, (view) => {
    view.setUint16(0, progress, true);
    view.setUint16(2, status, true);
  });

/** IDENTIFY DEVICE with these words, and its checksum. */
export function identify(words: Readonly<Record<number, number>>): Uint8Array {
  const bytes = page(512, (view) => {
    for (const [index, value] of Object.entries(words))
      view.setUint16(2 * Number(index), value, true);
  });
  bytes[510] = 0xa5;
  bytes[511] = 256 - (bytes.reduce((sum, byte) => sum + byte, 0) & 0xff);
  return bytes;
}

export interface FakeNvme {
  readonly controller?: Uint8Array;
  readonly namespace?: Uint8Array;
  readonly namespaces?: readonly number[];
  /** What Sanitize Status says, one after the other. */
  readonly logs?: readonly Uint8Array[];
  /** The status of Sanitize and Format NVM. */
  readonly status?: number;
  onErase?(): void;
}

/** `told`: the opcode and cdw10 of what changes the disk. */
export function fakeNvme(fake: FakeNvme): DriveCalls & { readonly told: string[] } {
  const told: string[] = [];
  const logs = [...(fake.logs ?? [])];
  return {
    told,
    namespace: async () => 1,
    async admin(command, data) {
      const view = new DataView(command.buffer);
      const cdw10 = view.getUint32(40, true);
      if (command[0] === 0x06) {
        if (cdw10 === 1) data.set(fake.controller ?? controller({}));
        else if (cdw10 === 0) data.set(fake.namespace ?? namespace({}));
        else data.set(Uint8Array.from((fake.namespaces ?? [1]).flatMap((nsid) => [nsid, 0, 0, 0])));
        return 0;
      }
      if (command[0] === 0x02) {
        data.set(logs.shift() ?? sanitizeLog(1, 0));
        return 0;
      }
      told.push(`${command[0]?.toString(16)} ${cdw10.toString(16)}`);
      fake.onErase?.();
      return fake.status ?? 0;
    },
    ata: () => Promise.reject(new Error("it is no ATA disk")),
  };
}

/** An ATA disk with a password or not; `fails`: names of commands that it does not take. */
export function fakeAta(fake: {
  readonly words: Readonly<Record<number, number>>;
  readonly fails?: readonly string[];
  onErase?(): void;
}): DriveCalls & { readonly told: string[]; isLocked(): boolean } {
  const told: string[] = [];
  let security = fake.words[128] ?? 0;
  return {
    told,
    isLocked: () => (security & 2) !== 0,
    namespace: () => Promise.reject(new Error("it is no NVMe disk")),
    admin: () => Promise.reject(new Error("it is no NVMe disk")),
    async ata({ name, data }: AtaCommand) {
      if (name === "IDENTIFY DEVICE") {
        data.set(identify({ ...fake.words, 128: security }));
        return null;
      }
      told.push(name);
      if (fake.fails?.includes(name)) return "the disk does not take the command now";
      if (name === "SECURITY SET PASSWORD") security |= 2;
      if (name === "SECURITY DISABLE PASSWORD") security &= ~2;
      if (name === "SECURITY ERASE UNIT") {
        security &= ~2;
        fake.onErase?.();
      }
      return null;
    },
  };
}
