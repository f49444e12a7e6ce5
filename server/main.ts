import { runCommandLine } from "./cli/program.ts";

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
