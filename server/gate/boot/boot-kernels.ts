import { existsSync } from "node:fs";
import { join } from "node:path";
import type { BootKernel } from "../../../core/boot/boot-menu.ts";
import { RoomcastError } from "../../../core/errors.ts";
import type { Config } from "../../host/config.ts";

/**
 * The kernels that the boot folder has and the configuration names, the standard one first. A further
 * kernel brings an archive of its own modules, which is unpacked over the standard initrd. Throws
 * `not-found` when the configuration names one that is not there.
 */
export function bootKernels(
  folder: string,
  { image = "full", kernelArguments = [], kernels = [] }: NonNullable<Config["boot"]>,
): readonly [BootKernel, ...BootKernel[]] {
  const hasDrivers = image === "full" && existsSync(join(folder, "drivers.img"));
  return [
    {
      title: "the standard kernel",
      vmlinuz: "vmlinuz",
      initrds: ["initrd.img", ...(hasDrivers ? ["drivers.img"] : [])],
      arguments: kernelArguments,
    },
    ...kernels.map((kernel): BootKernel => {
      const { name, title = `kernel ${name}`, arguments: own = [] } = kernel;
      const vmlinuz = `kernels/${name}/vmlinuz`;
      const modules = `kernels/${name}/modules.img`;
      const missing = [vmlinuz, modules].find((path) => !existsSync(join(folder, path)));
      if (missing !== undefined)
        throw new RoomcastError(
          "not-found",
          `the configuration offers kernel ${name}, and there is no ${join(folder, missing)}`,
          `make it with \`make kernel NAME=${name} FROM=PACKAGE\` (or FROM=FOLDER), or take it out of [[boot.kernels]]`,
        );
      return {
        title,
        vmlinuz,
        initrds: ["initrd.img", modules],
        arguments: [...kernelArguments, ...own],
      };
    }),
  ];
}

/** With less, the drivers of rare hardware are left out of the initrd: unpacked they take 45 MB. */
const fullImageBytes = 1 << 30;

/** The kernels for a PC with so much memory; null: not known yet. */
export const kernelsFor = (
  [standard, ...further]: readonly [BootKernel, ...BootKernel[]],
  memoryBytes: number | null,
): readonly [BootKernel, ...BootKernel[]] =>
  memoryBytes === null || memoryBytes >= fullImageBytes
    ? [standard, ...further]
    : [{ ...standard, initrds: ["initrd.img"] }, ...further];
