import { setFlagsFromString } from "node:v8";
import { runCommandLine } from "./cli/program.ts";

// Else V8 lets short-lived objects pile up to 48 MB before it looks; what the server does is no faster by it.
setFlagsFromString("--semi-space-growth-factor=1");

const neededNode = 24;

if (Number(process.versions.node.split(".")[0]) < neededNode) {
  process.stderr.write(
    `roomcast: this is Node ${process.versions.node}, and it needs ${neededNode}: run \`npm ci\`, then \`npx roomcast\`\n`,
  );
  process.exit(2);
}

// A reader that goes away (`| head`) is not an error.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0);
  throw error;
});

process.exitCode = await runCommandLine(process.argv, process.env);
