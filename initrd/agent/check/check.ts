/** Looks at the way to the server, step by step. */
import { randomInt } from "node:crypto";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { errorText } from "../../../core/errors.ts";
import type { HttpAnswer, ServerHttp } from "../../../core/node/pinned.ts";
import { checkGroup, checkPayloadBytes, decodeCheckPacket } from "../../../core/wire/check.ts";
import type { Roots } from "../../../imaging/disk/sysfs.ts";
import { describeNic, hasLink, type Uplink } from "../hardware/network.ts";
import type { Measured } from "./findings.ts";

/** In milliseconds. */
const answerLimit = 3000;
const answerTries = 5;
const throughputFor = 2000;
/** Others who look at the network have their turn before. */
const turnLimit = 20_000;
/** A switch that snoops has to learn that this port wants the group. */
const joinFor = 300;
/** The last packets of a burst are still on their way when the server says that it is done. */
const lateFor = 200;
/** A snooping switch may take a moment to open the port: nothing is said after one silent burst. */
const burstTries = 2;

export interface CheckPorts {
  readonly server: ServerHttp;
  /** The server's address, for people. */
  readonly host: string;
  readonly roots: Roots;
  uplink(): Promise<Uplink>;
  /** Lets the PC ask the server for what it measures; rejects when there is none. */
  grant(): Promise<string>;
}

interface Asked extends Pick<CheckPorts, "server" | "host"> {
  readonly grant: Promise<string>;
}

/** Answers all that is known after each step; never rejects but with the reason of `signal`. */
export async function* checkNetwork(
  ports: CheckPorts,
  signal: AbortSignal,
): AsyncGenerator<Measured> {
  const { name, ip } = await ports.uplink();
  const speedMbps = describeNic(name, ports.roots).speedMbps;
  let measured: Measured = { link: { name, hasLink: hasLink(name, ports.roots), speedMbps }, ip };
  yield measured;
  const grant = ports.grant();
  // Each step says for itself that there is none.
  grant.catch(() => {});
  const asked = { server: ports.server, host: ports.host, grant };
  const steps = [
    async (): Promise<Measured> => ({ answer: await timeAnswer(asked, signal) }),
    async (): Promise<Measured> => ({ throughputBps: await timePayload(asked, signal) }),
    async (): Promise<Measured> => ({ multicast: await countBurst(asked, ip, signal) }),
  ];
  for (const step of steps) {
    measured = { ...measured, ...(await step()) };
    signal.throwIfAborted();
    yield measured;
  }
}

const causeOf = (error: unknown): unknown =>
  error instanceof Error && error.cause instanceof Error ? error.cause : error;

/** Of what is measured for one PC after the other; its large packets may get lost where small ones do not. */
function whyNotMeasured(error: unknown): string {
  const cause = causeOf(error);
  if (!(cause instanceof Error && cause.name === "TimeoutError"))
    return `not measured: ${errorText(cause)}`;
  return (
    `not measured: nothing came within ${turnLimit / 1000} s; if other PCs are measured now, try again ` +
    "in a minute, else check the cable, and that server and switch have the same MTU"
  );
}

/** The quickest of some small answers, in milliseconds, or why there was none. */
async function timeAnswer(asked: Asked, signal: AbortSignal): Promise<number | string> {
  let best = Number.POSITIVE_INFINITY;
  try {
    for (let count = 0; count < answerTries; count++) {
      const from = performance.now();
      await (await ask(asked, "/gate/v2/check/payload?bytes=1", signal, answerLimit)).bytes();
      best = Math.min(best, performance.now() - from);
    }
    return best;
  } catch (error) {
    return `${asked.host} does not answer (${errorText(causeOf(error))})`;
  }
}

/** Bytes a second, over a download that is cut off after a while. */
async function timePayload(asked: Asked, signal: AbortSignal): Promise<number | string> {
  let from = performance.now();
  let bytes = 0;
  try {
    const path = `/gate/v2/check/payload?bytes=${checkPayloadBytes}`;
    const answer = await ask(asked, path, signal, turnLimit);
    from = performance.now();
    for await (const part of answer.body ?? []) {
      bytes += part.length;
      // Leaving the loop hangs up.
      if (performance.now() - from >= throughputFor) break;
    }
  } catch (error) {
    if (bytes === 0) return whyNotMeasured(error);
  }
  return bytes / ((performance.now() - from) / 1000);
}

/** How much of a burst that the server multicasts comes here. */
async function countBurst(
  asked: Asked,
  ip: string | null,
  signal: AbortSignal,
): Promise<{ sent: number; received: number } | string> {
  if (ip === null) return "not measured without an address";
  const nonce = randomInt(2 ** 32);
  const numbers = new Set<number>();
  const socket = createSocket({ type: "udp4", reuseAddr: true, recvBufferSize: 4 << 20 });
  socket.on("message", (bytes) => {
    const packet = decodeCheckPacket(bytes);
    if (packet.ok && packet.value.nonce === nonce) numbers.add(packet.value.number);
  });
  try {
    socket.bind(0);
    await once(socket, "listening", { signal });
    socket.addMembership(checkGroup, ip);
    let sent = 0;
    for (let tries = 0; tries < burstTries && numbers.size === 0; tries++) {
      await sleep(joinFor, undefined, { signal });
      const body = JSON.stringify({ nonce, port: socket.address().port });
      const answer = await ask(asked, "/gate/v2/check/multicast", signal, turnLimit, body);
      ({ sent } = (await answer.json()) as { sent: number });
      await sleep(lateFor, undefined, { signal });
    }
    return { sent, received: numbers.size };
  } catch (error) {
    return whyNotMeasured(error);
  } finally {
    socket.close();
  }
}

/** Rejects on an answer that is none. */
async function ask(
  { server, grant }: Asked,
  path: string,
  signal: AbortSignal,
  limitMs: number,
  body?: string,
): Promise<HttpAnswer> {
  const authorization = `Bearer ${await grant}`;
  const answer = await server.fetch(path, {
    signal: AbortSignal.any([signal, AbortSignal.timeout(limitMs)]),
    ...(body === undefined
      ? { headers: { authorization } }
      : { method: "POST", body, headers: { authorization, "content-type": "application/json" } }),
  });
  if (answer.ok) return answer;
  throw new Error(`the server answers ${answer.status} to ${path}`);
}
