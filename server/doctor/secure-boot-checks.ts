/** Whether the site's own boot image (`make secure-boot-image`) fits the server and the boot files. */
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { madeOf, madeOfField, packedFiles, secureBootFiles } from "../../core/boot/secure-boot.ts";
import { errorText, RoomcastError } from "../../core/errors.ts";
import { gatePins } from "../../core/node/gate-pin.ts";
import { readPeSection } from "../../core/node/pe-file.ts";
import type { Finding } from "../../core/wire/api.ts";
import { ok, problem, warning } from "./host-checks.ts";

const check = "Secure Boot image";

/** Nothing where the site has no image of its own. */
export async function secureBootChecks({
  dataFolder,
  bootFolder,
  server,
}: {
  readonly dataFolder: string;
  readonly bootFolder: string;
  readonly server: { readonly hasOwnImage: boolean } | null;
}): Promise<Finding[]> {
  const image = join(bootFolder, secureBootFiles.image);
  if (!existsSync(image)) return [];
  try {
    const commandLine = await textOf(image, ".cmdline");
    const url =
      wordsOf(commandLine, "roomcast.server")[0] ?? "a server that its boot line does not name";
    const again = `make secure-boot-image SERVER=${url}`;
    const [shown, next] = (await gatePins(dataFolder)) ?? [];
    const pins = wordsOf(commandLine, "roomcast.key");
    if (shown !== undefined && !pins.includes(shown))
      return [
        problem(
          check,
          `it names another gate key (${pins.join(", ")}) than this server's (${shown}): PCs that start from it refuse this server`,
          again,
        ),
      ];
    if (next !== undefined && !pins.includes(next))
      return [
        problem(
          check,
          `it lacks the gate's next key (${next}): once \`roomcast trust rotate --finish\` has made it the only one, PCs that start from the image refuse this server`,
          again,
        ),
      ];
    const made = /"(.*)"/.exec(
      (await textOf(image, ".osrel")).split(`${madeOfField}=`)[1] ?? "",
    )?.[1];
    if (made !== (await presentFiles(bootFolder)))
      return [
        warning(
          check,
          "it holds another kernel or agent than the boot folder: PCs start the old one",
          again,
        ),
      ];
    const use =
      server?.hasOwnImage === false
        ? "; it is not used, as [boot] secureBootImage is not true"
        : "";
    return [ok(check, `it is for ${url}, and fits the gate key and the boot files${use}`)];
  } catch (error) {
    const next = error instanceof RoomcastError ? error.next : "make secure-boot-image";
    return [problem(check, errorText(error), next)];
  }
}

const textOf = async (image: string, section: string): Promise<string> =>
  new TextDecoder().decode((await readPeSection(image, section)) ?? new Uint8Array());

const wordsOf = (commandLine: string, name: string): string[] =>
  commandLine
    .split(" ")
    .flatMap((word) => (word.startsWith(`${name}=`) ? word.slice(name.length + 1) : []));

/** As `versions.json` describes them, which is written with them. */
async function presentFiles(bootFolder: string): Promise<string | null> {
  const text = await readFile(join(bootFolder, "versions.json"), "utf8").catch(() => null);
  if (text === null) return null;
  const { files } = JSON.parse(text) as { files: Record<string, { sha256: string } | undefined> };
  return madeOf(
    Object.fromEntries(packedFiles.map((name) => [name, files[name]?.sha256 ?? ""])) as Parameters<
      typeof madeOf
    >[0],
  );
}
