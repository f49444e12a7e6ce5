/** What a PC may start from the network, before there is any agent: the same choices in iPXE and in GRUB. */
import type { MacAddress } from "../units/mac.ts";
import type { Language } from "../wire/language.ts";

/** A kernel that is offered. Files are paths below the boot folder. */
export interface BootKernel {
  /** In the menu: `newer kernel 6.12`. */
  readonly title: string;
  readonly vmlinuz: string;
  /** Archives that make the initrd, in order: what is in a later one replaces what was in an earlier one. */
  readonly initrds: readonly string[];
  /** Added to the kernel's command line; without spaces, and without what GRUB or iPXE read as their own. */
  readonly arguments: readonly string[];
}

/** What the agent is to speak to, and how it knows that it does. */
export interface BootGate {
  /** `https://ADDRESS:PORT` */
  readonly url: string;
  /** `sha256:…` of the gate's public key, and of the one that takes its place. */
  readonly pins: readonly [string, ...string[]];
}

export interface BootPlan {
  /** `http://ADDRESS:PORT`: where the boot files are. */
  readonly serverUrl: string;
  readonly gate: BootGate;
  /** Of the interface that the PC boots by. */
  readonly mac: MacAddress;
  /** What it starts when nobody presses a key. */
  readonly decision: "agent" | "local-disk";
  /** In which a key stops a PC on its way to its own disk. */
  readonly diskSeconds: number;
  /** Of the screen, until the agent has reached the server. */
  readonly language: Language;
  /** The default kernel first. */
  readonly kernels: readonly [BootKernel, ...BootKernel[]];
  /** Whether memtest86+ lies in the boot folder. */
  readonly hasMemtest: boolean;
  /** The last start of this PC got its kernel and was never heard of again. */
  readonly lastStartHung: boolean;
}

/** An entry of the menu. `id` is a label of iPXE's script and an id of GRUB's menu. */
export type BootEntry = { readonly id: string; readonly key: string; readonly title: string } & (
  | { readonly kind: "kernel"; readonly kernel: BootKernel; readonly commandLine: string }
  | { readonly kind: "memtest" }
  | { readonly kind: "local-disk" }
  | { readonly kind: "shell" }
);

/** Which server a PC's agent is to find, as the kernel's command line says it. */
export type BootServer = Pick<BootPlan, "serverUrl" | "gate">;

export const serverArguments = ({ serverUrl, gate }: BootServer): readonly string[] => [
  `roomcast.gate=${gate.url}`,
  ...gate.pins.map((pin) => `roomcast.key=${pin}`),
  `roomcast.server=${serverUrl}`,
];

/** The kernel's messages stay off the screen: the menu is there. */
export const quietArguments: readonly string[] = ["quiet", "loglevel=3"];

/** Seconds in which a key opens the menu: long enough to hit one, short enough for fifty PCs. */
export const agentPromptSeconds = 2;
/** Seconds in which a key opens the menu after a start that hung: a person needs time to read the advice. */
export const hungPromptSeconds = 10;

/**
 * For PCs that hang, or show nothing, while the kernel starts: plain graphics; interrupts without the
 * I/O APIC; no sleep states, which some chipsets of 2012 to 2016 do not wake from; no power saving on PCIe.
 */
export const safeArguments: readonly string[] = [
  "nomodeset",
  "noapic",
  "processor.max_cstate=1",
  "pcie_aspm=off",
];

export const promptSeconds = ({ decision, diskSeconds, lastStartHung }: BootPlan): number => {
  if (decision === "local-disk") return diskSeconds;
  return lastStartHung ? hungPromptSeconds : agentPromptSeconds;
};

/** What stands above the menu, at most two lines of 76 characters. */
export const hungAdvice: readonly string[] = [
  "The last start of this PC did not reach the server. If it hangs: safe options,",
  "then another kernel, then the memory test.",
];

export function bootEntries(plan: BootPlan): readonly [BootEntry, ...BootEntry[]] {
  const [standard, ...others] = plan.kernels;
  const kernel = (
    id: string,
    key: string,
    title: string,
    from: BootKernel,
    extra: readonly string[],
  ): BootEntry => ({
    kind: "kernel",
    id,
    key,
    title,
    kernel: from,
    commandLine: [
      ...serverArguments(plan),
      ...(plan.language === "en" ? [] : [`roomcast.language=${plan.language}`]),
      // PXELINUX's form: the hardware type before the address.
      `BOOTIF=01-${plan.mac.replaceAll(":", "-")}`,
      ...quietArguments,
      ...from.arguments,
      ...extra,
    ].join(" "),
  });
  return [
    kernel("agent", "r", "roomcast", standard, []),
    kernel(
      "safe",
      "s",
      "roomcast with safe options (for a PC that hangs)",
      standard,
      safeArguments,
    ),
    ...others.map((each, index) =>
      kernel(`kernel${index + 1}`, String(index + 1), `roomcast with ${each.title}`, each, []),
    ),
    ...(plan.hasMemtest
      ? [{ kind: "memtest", id: "memtest", key: "t", title: "memory test (memtest86+)" } as const]
      : []),
    { kind: "local-disk", id: "local-disk", key: "d", title: "this PC's own disk" },
    { kind: "shell", id: "shell", key: "i", title: "command line of this boot loader" },
  ];
}
