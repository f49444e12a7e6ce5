import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Command } from "commander";

/** `roomcast agent …` is the agent's own program with the same arguments; see `initrd/agent/main.ts`. */
export function addAgentCommand(program: Command): void {
  program
    .command("agent")
    .description("the agent on any Linux host, on the disks that --disk names")
    .requiredOption("--server URL")
    .option("--disk PATH...")
    .option("--interface IF")
    .option("--mac MAC")
    .option("--name N")
    .option("--headless")
    .option("--once");
}
