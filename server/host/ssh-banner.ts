import { readFile } from "node:fs/promises";
import { connect } from "node:net";
import { networkInterfaces } from "node:os";
import { ipv4ToNumber, isInRange, subnetOf } from "../../core/units/ipv4.ts";
import { printable } from "../../core/units/printable.ts";

const sshPort = 22;
/** Milliseconds for the connection and the banner: a host on the same wire answers in a few. */
const answerMs = 2000;
/** RFC 4253 section 4.2: a line of at most 255 characters; servers may say other lines before it. */
const lineLimit = 255;
const bytesLimit = 1024;

/**
 * What the SSH server at this address calls itself, and whose MAC the address is; null: none answers. Anyone
 * can claim any address by ARP, so only those of the interface's own network are asked.
 */
export async function askSsh(
  interfaceName: string,
  address: string,
  port = sshPort,
): Promise<{ readonly banner: string; readonly mac: string | null } | null> {
  if (!isOnNetworkOf(interfaceName, address)) return null;
  const banner = await bannerOf(address, port);
  if (banner === null) return null;
  const neighbours = await readFile("/proc/net/arp", "utf8").catch(() => "");
  return { banner, mac: macOf(neighbours, address) };
}

function isOnNetworkOf(interfaceName: string, address: string): boolean {
  const number = ipv4ToNumber(address);
  return (networkInterfaces()[interfaceName] ?? []).some(
    (own) =>
      own.family === "IPv4" &&
      number !== undefined &&
      isInRange(number, subnetOf(own.address, own.netmask)),
  );
}

function bannerOf(host: string, port: number): Promise<string | null> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    let text = "";
    const end = (banner: string | null): void => {
      clearTimeout(deadline);
      socket.destroy();
      resolve(banner);
    };
    const deadline = setTimeout(() => end(null), answerMs);
    socket.setEncoding("latin1");
    socket.on("data", (part: string) => {
      text += part;
      const banner = bannerIn(text);
      if (banner !== null || text.length > bytesLimit) end(banner);
    });
    socket.on("error", () => end(null));
    socket.on("close", () => end(null));
  });
}

/** The line that begins with `SSH-`, once it is whole. */
export function bannerIn(text: string): string | null {
  const line = /^(SSH-[^\r\n]*)\r?\n/m.exec(text)?.[1];
  return line === undefined ? null : printable(line.slice(0, lineLimit));
}

/** The kernel's neighbour of this address: `IP address, HW type, Flags, HW address, Mask, Device`, a line each. */
export function macOf(neighbours: string, address: string): string | null {
  for (const line of neighbours.split("\n")) {
    const [ip, , flags, mac] = line.split(/\s+/);
    // ATF_COM: the entry is complete.
    if (ip === address && mac !== undefined && (Number(flags) & 2) !== 0) return mac;
  }
  return null;
}
