import type { BootKernel, BootPlan } from "../../../core/boot/boot-menu.ts";
import { parseMac } from "../../../core/units/mac.ts";

/** The key of no server. */
export const testPin = "sha256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA+/=";

const standard: BootKernel = {
  title: "the standard kernel",
  vmlinuz: "vmlinuz",
  initrds: ["initrd.img", "drivers.img"],
  arguments: ["console=ttyS0"],
};

export const newerKernel: BootKernel = {
  title: "kernel 6.12",
  vmlinuz: "kernels/6.12/vmlinuz",
  initrds: ["initrd.img", "kernels/6.12/modules.img"],
  arguments: ["quirk"],
};

/** A plan with changes; `kernels` are those beside the standard one. */
export const bootPlan = (
  changes: Partial<Omit<BootPlan, "kernels">> & { readonly kernels?: readonly BootKernel[] } = {},
): BootPlan => ({
  serverUrl: "http://10.77.0.1:8080",
  gate: { url: "https://10.77.0.1:8443", pins: [testPin] },
  mac: parseMac("52:54:00:7E:00:01") as NonNullable<ReturnType<typeof parseMac>>,
  decision: "agent",
  diskSeconds: 5,
  language: "en",
  hasMemtest: false,
  lastStartHung: false,
  ...changes,
  kernels: [standard, ...(changes.kernels ?? [])],
});
