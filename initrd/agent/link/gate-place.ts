/** Where the agent's server is, and by which key it is known. */
import { readFile } from "node:fs/promises";
import { type Static, Type } from "typebox";
import { Value } from "typebox/value";
import { errorText, RoomcastError } from "../../../core/errors.ts";
import { type GatePlace, isPin, unreached } from "../../../core/node/pin.ts";
import { writeDurably } from "../../../core/node/write-durably.ts";
import { BootKey } from "../../../core/wire/boot-key.ts";

/** The answer has a few hundred bytes; in milliseconds. */
const answerLimit = 5000;

/** What is remembered of servers that were asked for their key, by what `--server` names. */
const Remembered = Type.Record(Type.String(), BootKey);
type Remembered = Static<typeof Remembered>;

export interface GatePlaceOptions {
  /** `https:`, known by `pins`; or `http:`, asked for its key once. */
  readonly server: URL;
  readonly pins: readonly string[];
  /** Where a key that was asked for is remembered; null: for as long as the agent runs. */
  readonly pinFile: string | null;
  say(text: string): void;
}

/**
 * The gate's address and keys: those of the command line, those that the file remembers, or what the server
 * itself says of them over HTTP, which is believed once and never again.
 */
export class KnownGate {
  private readonly options: GatePlaceOptions;
  private known: Promise<GatePlace> | null;

  /** Throws `usage` for an `https:` server without a key, and for a key of another form. */
  constructor(options: GatePlaceOptions) {
    const { server, pins } = options;
    const wrong = pins.find((pin) => !isPin(pin));
    if (wrong !== undefined) {
      const next = "give it as the server's ready line has it: --pin sha256:…";
      throw new RoomcastError("usage", `${JSON.stringify(wrong)} is no key of a server`, next);
    }
    const isHttps = server.protocol === "https:";
    if (isHttps !== pins.length > 0) {
      throw new RoomcastError(
        "usage",
        "the server's https address and its key are needed, both or neither",
        "give them as the server's ready line has them: --server https://ADDRESS:PORT --pin sha256:…",
      );
    }
    this.options = options;
    this.known = isHttps ? Promise.resolve({ url: server, pins }) : null;
  }

  /** Rejects with `unreachable` when a server has to be asked and is away. */
  place(): Promise<GatePlace> {
    this.known ??= firstPlace(this.options).catch((error: unknown) => {
      this.known = null;
      throw error;
    });
    return this.known;
  }

  /** The server has said, on a connection that had the right key, which keys are right from now on. */
  async learn(keys: readonly string[]): Promise<void> {
    const { url, pins } = await this.place();
    if (keys.length === 0 || !keys.every(isPin) || keys.join() === pins.join()) return;
    this.known = Promise.resolve({ url, pins: keys });
    const { server, pinFile, say } = this.options;
    say(`the server's keys are ${keys.join(" and ")} from now on`);
    if (pinFile === null || server.protocol === "https:") return;
    const [key = ""] = keys;
    await store(pinFile, server, { gate: url.origin, key, keys: [...keys] });
  }
}

async function firstPlace({ server, pinFile, say }: GatePlaceOptions): Promise<GatePlace> {
  const known = pinFile === null ? undefined : (await remembered(pinFile))[server.origin];
  if (known !== undefined) return placeOf(known);
  const asked = await askKey(server);
  if (pinFile !== null) await store(pinFile, server, asked);
  const where = pinFile === null ? "until this agent ends" : `in ${pinFile}`;
  say(`${server.origin} says that its key is ${asked.key}; it is remembered ${where}`);
  return placeOf(asked);
}

/** Whole or not at all: without it, whoever answers next would be believed. */
async function store(pinFile: string, server: URL, key: BootKey): Promise<void> {
  const all = { ...(await remembered(pinFile)), [server.origin]: key };
  try {
    await writeDurably(pinFile, `${JSON.stringify(all, null, 2)}\n`);
  } catch (cause) {
    const next = "name a file that can be written with --key";
    throw new RoomcastError("failed", errorText(cause), next, { cause });
  }
}

const placeOf = ({ gate, keys }: BootKey): GatePlace => ({ url: new URL(gate), pins: keys });

/** Rejects with `bad-input` for a file that holds anything else: it is not to be trusted, nor to be written over. */
async function remembered(pinFile: string): Promise<Remembered> {
  let text: string;
  try {
    text = await readFile(pinFile, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return {};
    throw error;
  }
  try {
    const value: unknown = JSON.parse(text);
    if (Value.Check(Remembered, value)) return value;
  } catch {
    // It is no JSON.
  }
  const next = "remove it to trust the server's present key, which the agent then asks for";
  throw new RoomcastError("bad-input", `${pinFile} does not hold the keys of servers`, next);
}

async function askKey(server: URL): Promise<BootKey> {
  let value: unknown;
  try {
    const signal = AbortSignal.timeout(answerLimit);
    const answer = await fetch(new URL("/boot/key", server), { signal });
    value = await answer.json().catch(() => null);
  } catch (error) {
    const { name, cause } = error as Error & { cause?: NodeJS.ErrnoException };
    throw unreached(name === "TimeoutError" ? "ETIMEDOUT" : cause?.code, cause ?? error);
  }
  if (Value.Check(BootKey, value) && URL.canParse(value.gate)) return value;
  const why = "something answers there, but it is no roomcast server with a key";
  throw new RoomcastError(
    "unreachable",
    why,
    "check the address and the port, or update the server",
  );
}
