/** `make secure-boot-image`: makes the site's boot image, and says what a person does on each PC. */
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { BootGate } from "../../core/boot/boot-menu.ts";
import { exitStatus, RoomcastError } from "../../core/errors.ts";
import { dataFolder } from "../../core/node/command-line.ts";
import { gatePins } from "../../core/node/gate-pin.ts";
import { isPin } from "../../core/node/pin.ts";
import { holdLock } from "../build/lock.ts";
import { enrolmentSteps, fingerprintOf } from "./enrolment.ts";
import { makeSecureBootImage, stickFolder } from "./image.ts";

/** As `serve` has it without `--https-port`. */
const defaultGatePort = 8443;

const repository = join(import.meta.dirname, "..", "..");
const text = (value: string) => ({ type: "string", default: value }) as const;
const { values } = parseArgs({
  options: {
    server: text(""),
    gate: text(""),
    key: text(""),
    arguments: text(""),
    data: text(dataFolder(process.env)),
    keys: text("/etc/roomcast/secure-boot"),
    boot: text(join(repository, "build", "boot")),
  },
});
const log = (line: string): void => console.log(`secure-boot-image: ${line}`);
const words = (line: string): string[] => line.split(/[\s,]+/).filter((word) => word !== "");

try {
  const serverUrl = urlOf(values.server);
  const gate =
    values.gate === "" ? `https://${serverUrl.hostname}:${defaultGatePort}` : values.gate;
  await using _ = await holdLock(join(values.boot, ".secure.lock"), log);
  const server = { serverUrl: serverUrl.origin, gate: { url: gate, pins: await pins() } };
  const { certificate } = await makeSecureBootImage({
    server,
    kernelArguments: words(values.arguments),
    bootFolder: values.boot,
    keyFolder: values.keys,
    log,
  });
  const fingerprint = await fingerprintOf(certificate);
  const stick = join(values.boot, stickFolder);
  const steps = enrolmentSteps({ server: server.serverUrl, stick, fingerprint });
  console.log(`\n${steps.join("\n")}`);
} catch (error) {
  if (!(error instanceof RoomcastError)) throw error;
  console.error(`secure-boot-image: ${error.message}; ${error.next}`);
  process.exitCode = exitStatus(error.code);
}

function urlOf(given: string): URL {
  const url = URL.parse(given);
  if (url?.protocol === "http:") return url;
  throw new RoomcastError(
    "usage",
    given === "" ? "it is not said which server PCs are to find" : `${given} is no http:// address`,
    "make secure-boot-image SERVER=http://10.77.0.1:8080, as the server's ready line says it",
  );
}

/** As given, else that of the server's data folder on this host. */
async function pins(): Promise<BootGate["pins"]> {
  const given = words(values.key);
  const wrong = given.find((pin) => !isPin(pin));
  if (wrong !== undefined)
    throw new RoomcastError("usage", `${wrong} is no pin`, "take it from `roomcast trust show`");
  const [first, ...others] = given;
  if (first !== undefined) return [first, ...others];
  const own = await gatePins(values.data);
  if (own !== null) return own;
  throw new RoomcastError(
    "not-found",
    `${values.data} has no gate key yet, which PCs are to know the server by`,
    "start the server once, or say DATA=FOLDER, or KEY=sha256:… as `roomcast trust show` prints it",
  );
}
