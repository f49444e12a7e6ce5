import type { Pc } from "./pc.ts";

/** How long a boot took, in seconds. */
export interface BootTime {
  readonly powerOnToMenu: number;
  /** From the kernel's own start: what firmware, loaders and the network took lies before. */
  readonly kernelToMenu: number;
}

/** Waits for the PC, switched on at `startedAt`, to be at its menu and known to the server. */
export async function bootTime(pc: Pc, startedAt: number, timeoutMs: number): Promise<BootTime> {
  const init = /roomcast: init ([\d.]+) s after the kernel's start/;
  await pc.waitForSerial(init, timeoutMs);
  const initAt = performance.now();
  const kernelToInit = Number(init.exec(pc.serial())?.[1]);
  await pc.waitForSerial(/roomcast: registered as/, timeoutMs);
  const menuAt = performance.now();
  return {
    powerOnToMenu: (menuAt - startedAt) / 1000,
    kernelToMenu: kernelToInit + (menuAt - initAt) / 1000,
  };
}
