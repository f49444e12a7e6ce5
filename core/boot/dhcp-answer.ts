/** The messages that a DHCP server sends: OFFER, ACK and NAK, with what a booting client has to load. */
import { ipv4ToNumber, ipv4ToText, subnetOf } from "../units/ipv4.ts";
import { asciiBytes, type DhcpPacket, dhcpType, noAddress, u32Bytes } from "../wire/dhcp/packet.ts";
import type { BootUuids } from "./boot-uuids.ts";
import type { DhcpSeats } from "./dhcp-seats.ts";
import { loaderFor } from "./loader.ts";
import type { UefiLoaders } from "./uefi-loaders.ts";

/** The boot options of an answer. */
export interface BootSettings {
  readonly serverAddress: string;
  /** `http://ADDRESS:PORT` */
  readonly serverUrl: string;
  readonly uefiLoaders: UefiLoaders;
  readonly bootUuids: BootUuids;
}

export interface AnswerSettings extends BootSettings {
  readonly netmask: string;
  /** An address of the subnet that a relay brings; absent: the subnet is the server's own. */
  readonly relayedSubnet?: string;
  readonly leaseSeconds: number;
  readonly router: string | null;
  readonly dns: readonly string[];
  readonly seats: Pick<DhcpSeats, "of">;
}

/** A client identifier or UUID longer than this is not echoed: none in the field is. */
const echoLimitBytes = 64;
/** RFC 3046 section 2.0: one option. Several of them might not fit into the answer's frame. */
const relayLimitBytes = 255;

/** The answer to a DISCOVER, a REQUEST, or (with `address` null) an INFORM. */
export function ackOrOffer(
  settings: AnswerSettings,
  request: DhcpPacket,
  type: typeof dhcpType.offer | typeof dhcpType.ack,
  address: string | null,
): DhcpPacket {
  const { serverAddress, netmask, leaseSeconds, dns, relayedSubnet } = settings;
  // The way out of a relayed network is the relay, unless somebody says otherwise.
  const isRelayed = relayedSubnet !== undefined && request.giaddr !== noAddress;
  const router = settings.router ?? (isRelayed ? request.giaddr : null);
  const options = new Map<number, Uint8Array>([
    [53, Uint8Array.of(type)],
    [54, quad(serverAddress)],
    [1, quad(netmask)],
    [28, quad(ipv4ToText(subnetOf(relayedSubnet ?? serverAddress, netmask).last))],
  ]);
  if (router !== null) options.set(3, quad(router));
  if (dns.length > 0) options.set(6, Uint8Array.from(dns.flatMap((each) => [...quad(each)])));
  if (address !== null) {
    // RFC 2131 section 4.4.5: renew (58) at half, rebind (59) at seven eighths.
    options.set(51, seconds(leaseSeconds));
    options.set(58, seconds(leaseSeconds / 2));
    options.set(59, seconds((leaseSeconds * 7) / 8));
  }
  const boot = bootFields(settings, request);
  for (const [code, value] of boot.options) options.set(code, value);
  // Firmware and boot loaders have no use of a name, and some have little room for an answer.
  if (!boot.isBooting) addNames(settings, request, options);
  // RFC 6842: the client identifier goes back as it came.
  echo(request, options, 61);
  // RFC 3046 section 2.2: a relay's own option goes back as it came, at the end.
  echo(request, options, 82, relayLimitBytes);
  return {
    ...blankReply(request),
    ciaddr: type === dhcpType.ack ? request.ciaddr : noAddress,
    yiaddr: address ?? noAddress,
    siaddr: boot.isBooting ? serverAddress : noAddress,
    file: boot.file,
    options,
  };
}

/**
 * What a proxyDHCP answers (PXE 2.1 section 2.2.4): how to boot, and never an address. Undefined for who
 * is not booting, or cannot boot here.
 */
export function proxyAnswer(
  settings: BootSettings,
  request: DhcpPacket,
  type: typeof dhcpType.offer | typeof dhcpType.ack,
): DhcpPacket | undefined {
  const boot = bootFields(settings, request);
  if (!boot.isBooting) return undefined;
  const options = new Map<number, Uint8Array>([
    [53, Uint8Array.of(type)],
    [54, quad(settings.serverAddress)],
    ...boot.options,
  ]);
  echo(request, options, 61);
  echo(request, options, 82, relayLimitBytes);
  const { ciaddr } = request;
  return {
    ...blankReply(request),
    ciaddr,
    siaddr: settings.serverAddress,
    file: boot.file,
    options,
  };
}

/** The client must not use the address that it asked for, and has to start again. */
export function nak({ serverAddress }: AnswerSettings, request: DhcpPacket): DhcpPacket {
  const options = new Map<number, Uint8Array>([
    [53, Uint8Array.of(dhcpType.nak)],
    [54, quad(serverAddress)],
  ]);
  echo(request, options, 61);
  echo(request, options, 82, relayLimitBytes);
  return { ...blankReply(request), broadcast: true, options };
}

/** RFC 2132 sections 3.14 and 3.17: the host name and the domain, for who asks for them in option 55. */
function addNames(
  { seats }: AnswerSettings,
  request: DhcpPacket,
  options: Map<number, Uint8Array>,
): void {
  const seat = seats.of(request.mac);
  const asked = request.options.get(55) ?? new Uint8Array();
  for (const [code, text] of [
    [12, seat?.name ?? null],
    [15, seat?.domain ?? null],
  ] as const)
    if (text !== null && asked.includes(code)) options.set(code, asciiBytes(text));
}

interface BootFields {
  readonly isBooting: boolean;
  readonly file: string;
  readonly options: readonly (readonly [number, Uint8Array])[];
}

function bootFields(settings: BootSettings, request: DhcpPacket): BootFields {
  const { serverAddress, serverUrl } = settings;
  const loader = loaderFor(request, settings.uefiLoaders.for(request.mac));
  if (loader === undefined || loader.kind === "unsupported")
    return { isBooting: false, file: "", options: [] };
  settings.bootUuids.heard(request);
  const file = loader.kind === "tftp" ? loader.file : `${serverUrl}${loader.path}`;
  const vendorClass = loader.kind === "tftp" ? "PXEClient" : loader.vendorClass;
  const options = new Map<number, Uint8Array>([
    [60, asciiBytes(vendorClass)],
    [66, asciiBytes(serverAddress)],
    [67, asciiBytes(file)],
  ]);
  if (vendorClass === "PXEClient") {
    // PXE 2.1, section 2.2.1: discovery control 8 = boot the named file, ask no boot server.
    options.set(43, Uint8Array.of(6, 1, 8, 255));
    // RFC 4578 section 2.3: the machine's UUID comes back to it.
    echo(request, options, 97);
  }
  // iPXE's own option, `no-pxedhcp`: do not wait for a proxyDHCP.
  if (request.options.has(175)) options.set(175, Uint8Array.of(176, 1, 1));
  return { isBooting: true, file, options: [...options] };
}

function echo(
  request: DhcpPacket,
  options: Map<number, Uint8Array>,
  code: number,
  limitBytes = echoLimitBytes,
): void {
  const value = request.options.get(code);
  if (value !== undefined && value.length <= limitBytes) options.set(code, value);
}

const blankReply = (request: DhcpPacket): DhcpPacket => ({
  op: 2,
  xid: request.xid,
  secs: 0,
  broadcast: request.broadcast,
  ciaddr: noAddress,
  yiaddr: noAddress,
  siaddr: noAddress,
  giaddr: request.giaddr,
  mac: request.mac,
  sname: "",
  file: "",
  options: new Map(),
});

const quad = (address: string): Uint8Array => Uint8Array.from(u32Bytes(ipv4ToNumber(address) ?? 0));

const seconds = (value: number): Uint8Array => Uint8Array.from(u32Bytes(Math.floor(value)));
