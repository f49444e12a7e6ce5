import { networkInterfaces } from "node:os";
import type { Command } from "commander";
import { RoomcastError } from "../../core/errors.ts";
import type { DoctorView, Finding } from "../../core/wire/api.ts";
import { builtBootFolder, doctorView, examineHost, lookForDhcp } from "../doctor/examine.ts";
import type { RunCommand } from "./program.ts";

export function addDoctorCommand(program: Command, run: RunCommand): void {
  program
    .command("doctor")
    .description("checks the host and the wire, and says what to mend")
    .option("--interface <IF>", "the lab's interface; not needed while the server runs")
    .action((options: { interface?: string }) =>
      run(async ({ client, dataFolder, document, say }) => {
        const view =
          (await client.get<DoctorView>("/doctor").catch((error: unknown) => {
            const isAway = error instanceof RoomcastError && error.code === "unreachable";
            if (isAway && program.opts().server === undefined) return undefined;
            throw error;
          })) ?? (await withoutServer(dataFolder, options.interface));
        document(view);
        const who = view.isServing ? "the server runs" : "no server runs";
        say(`roomcast doctor: ${view.interface}, ${who}`);
        for (const finding of view.findings) sayFinding(finding, say);
        say(
          view.isWell
            ? "Nothing stands in the way."
            : "Mend what is marked with !!, then look again.",
        );
        return view.isWell ? 0 : 1;
      }),
    );
}

const marks: Readonly<Record<Finding["level"], string>> = {
  ok: "ok",
  warning: " !",
  problem: "!!",
};

function sayFinding({ level, check, text, mend }: Finding, say: (line: string) => void): void {
  say(`${marks[level]}  ${check}: ${text}`);
  if (mend !== null && mend !== "") say(`      -> ${mend}`);
}

async function withoutServer(dataFolder: string, given: string | undefined): Promise<DoctorView> {
  const interfaceName = given ?? onlyInterface();
  const own = networkInterfaces()[interfaceName]?.find(({ family }) => family === "IPv4");
  const findings = await examineHost({
    ...{ interfaceName, dataFolder, bootFolder: builtBootFolder, server: null, pcAddresses: [] },
  });
  const others = own === undefined ? [] : await lookForDhcp(interfaceName, own.address);
  return doctorView(interfaceName, false, [...findings, ...others]);
}

/** Throws `usage` when it is not clear which interface is meant. */
function onlyInterface(): string {
  const names = Object.entries(networkInterfaces())
    .filter(([, all]) => all?.some(({ family, internal }) => family === "IPv4" && !internal))
    .map(([name]) => name);
  const [only] = names;
  if (names.length === 1 && only !== undefined) return only;
  throw new RoomcastError(
    "usage",
    "no server runs on this data folder, and it is not clear which interface the lab is on",
    `name it with --interface, one of: ${names.length === 0 ? "none has an IPv4 address" : names.join(", ")}`,
  );
}
