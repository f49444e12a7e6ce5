/** All networks of a server: each is served while its interface has its address, and again when it has it again. */
import { assert, errorText, RoomcastError } from "../core/errors.ts";
import { asError } from "../core/node/guard.ts";
import { subnetOf } from "../core/units/ipv4.ts";
import { parseMac } from "../core/units/mac.ts";
import type { NetworkStatus } from "../core/wire/api.ts";
import { interfaceChecks } from "./doctor/host-checks.ts";
import type { Config } from "./host/config.ts";
import { type InterfaceAddress, interfaceAddress } from "./host/interface-address.ts";
import { dhcpConfigOf, type NetworkPlan } from "./host/network-plans.ts";
import type { LabNetwork } from "./lab/addresses.ts";
import type { NetworkPlace, ServedNetwork } from "./network.ts";

/** How often the interfaces are looked at, in milliseconds: a person who pulls a cable looks at the console. */
const lookEveryMs = 1000;
/** After which a network that could not be served is tried again, in milliseconds. */
const retryMs = 5000;

interface Slot {
  readonly plan: NetworkPlan;
  /** The address that it has, or had last; null: none since the server was started. */
  at: InterfaceAddress | null;
  served: ServedNetwork | null;
  /** Why it is not served, in words. */
  trouble: string | null;
  /** Of the services that it has, or that are being started. */
  place: NetworkPlace | null;
  /** What is wrong with its DHCP and its PCs' boots, while it is served. */
  warnings: readonly string[];
  retryAt: number;
}

export interface NetworksPorts {
  serve(plan: NetworkPlan, at: InterfaceAddress, place: NetworkPlace): Promise<ServedNetwork>;
  /** For the history. */
  note(text: string): void;
  /** All that is wrong now. */
  warn(texts: readonly string[]): void;
  onError(error: Error): void;
}

export class Networks implements AsyncDisposable {
  private readonly slots: readonly [Slot, ...Slot[]];
  private readonly config: Config;
  private readonly addressOf: (interfaceName: string) => InterfaceAddress | null;
  private ports: NetworksPorts | null = null;
  private lastServed: ServedNetwork | null = null;
  private timer: NodeJS.Timeout | undefined;
  private looking: Promise<void> = Promise.resolve();
  private isLooking = false;

  /** Throws `refused` when no interface has an address: the server has to be somewhere. */
  constructor(
    plans: readonly [NetworkPlan, ...NetworkPlan[]],
    config: Config,
    addressOf = interfaceAddress,
  ) {
    const [first, ...others] = plans;
    const slotOf = (plan: NetworkPlan): Slot => ({
      ...{ plan, at: addressOf(plan.interfaceName), served: null },
      ...{ trouble: null, place: null, warnings: [], retryAt: 0 },
    });
    this.slots = [slotOf(first), ...others.map(slotOf)];
    this.config = config;
    this.addressOf = addressOf;
    if (this.slots.every(({ at }) => at === null)) throw withoutAddress(first.interfaceName);
  }

  /**
   * Starts those that can be served, tells of the others, and looks after all from then on. Rejects when none can be
   * served, and with what is wrong with the configuration of any.
   */
  async open(ports: NetworksPorts): Promise<void> {
    this.ports = ports;
    const troubles = new Map<Slot, string>();
    let fault: unknown = null;
    for (const slot of this.slots) {
      const now = this.addressOf(slot.plan.interfaceName);
      slot.at = now ?? slot.at;
      if (now === null) {
        troubles.set(slot, downText(slot.plan.interfaceName));
        continue;
      }
      try {
        await this.serve(slot, now);
      } catch (error) {
        if (isOfConfiguration(error)) throw error;
        fault ??= error;
        troubles.set(slot, notServedText(slot, error));
      }
    }
    if (this.served.length === 0) throw fault ?? withoutAddress(this.slots[0].plan.interfaceName);
    for (const [slot, trouble] of troubles) this.change(slot, trouble);
    this.tell();
    this.timer = setInterval(() => {
      if (this.isLooking) return;
      this.looking = this.look().catch((error: unknown) => ports.onError(asError(error)));
    }, lookEveryMs);
  }

  /** Where the server can be found on the first of its networks that is served and up, or could last. */
  get home(): Pick<ServedNetwork, "url" | "gateUrl"> {
    const served = this.slots.filter((slot) => slot.served !== null);
    const home = served.find(({ trouble }) => trouble === null) ?? served[0];
    const found = home?.served ?? this.lastServed;
    assert(found !== null, "the networks are open");
    return found;
  }

  get names(): readonly string[] {
    return this.slots.map(({ plan }) => plan.interfaceName);
  }

  get served(): readonly ServedNetwork[] {
    return this.slots.flatMap(({ served }) => served ?? []);
  }

  /** For people: those that are not served, and why. */
  get troubles(): readonly string[] {
    return this.slots.flatMap(({ trouble }) => trouble ?? []);
  }

  /** For people: the networks that are not apart. */
  get overlaps(): readonly string[] {
    const there = this.slots.flatMap(({ plan, at, trouble }) =>
      at === null || trouble !== null
        ? []
        : [{ name: plan.interfaceName, subnet: subnetOf(at.address, at.netmask) }],
    );
    return there.flatMap((one, index) =>
      there
        .slice(index + 1)
        .filter(({ subnet }) => subnet.first <= one.subnet.last && one.subnet.first <= subnet.last)
        .map(({ name }) => overlapText(one.name, name)),
    );
  }

  /** The PCs whose network boot does not go on, a line each. */
  get pcTroubles(): readonly string[] {
    return this.served.flatMap(({ pcTroubles }) => pcTroubles);
  }

  /** Who hears IGMP there; null while nobody does. */
  igmpOf(name: string): ServedNetwork["igmp"] {
    const slot = this.slots.find(({ plan }) => plan.interfaceName === name);
    return slot?.served?.igmp ?? null;
  }

  status(): NetworkStatus[] {
    return this.slots.map(({ plan, at, served, trouble }) => ({
      interface: plan.interfaceName,
      address: at?.address ?? null,
      trouble,
      dhcp: served?.dhcpStatus() ?? null,
    }));
  }

  /** Those that the server has been on, with their latest address. */
  known(): readonly LabNetwork[] {
    return this.slots.flatMap(({ plan, at }) => {
      if (at === null) return [];
      const dhcp = dhcpConfigOf(plan, at, this.config, this.slots.length);
      const { address, netmask } = at;
      return [
        {
          ...{ name: plan.interfaceName, address, netmask },
          ...{ gateway: dhcp.router ?? null, dns: dhcp.dns ?? [] },
          fixed: new Map(
            Object.entries(dhcp.static ?? {}).map(([mac, fixed]) => [parseMac(mac) ?? mac, fixed]),
          ),
        },
      ];
    });
  }

  /** The server's address on this network, and the operator's limit there. Throws `failed` while there is none. */
  at(name: string): { readonly address: string; readonly rateBps: number | null } {
    const slot = this.slots.find(({ plan }) => plan.interfaceName === name);
    if (slot === undefined || slot.at === null) throw withoutAddress(name);
    return { address: slot.at.address, rateBps: slot.plan.rateBps };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.timer);
    this.isLooking = true;
    await this.looking;
    await Promise.all(this.slots.map((slot) => slot.served?.[Symbol.asyncDispose]()));
  }

  private async look(): Promise<void> {
    this.isLooking = true;
    try {
      for (const slot of this.slots) await this.lookAt(slot);
    } finally {
      this.isLooking = false;
    }
  }

  private async lookAt(slot: Slot): Promise<void> {
    const { interfaceName } = slot.plan;
    const now = this.addressOf(interfaceName);
    // Its sockets stay: the interface may come back as it was, and PCs go on where they are.
    if (now === null) return this.change(slot, downText(interfaceName));
    if (slot.served !== null && isSame(now, slot.served.at)) {
      if (slot.trouble === null) return;
      this.change(slot, null);
      return this.ports?.note(`${interfaceName} is served again, with ${now.address}`);
    }
    if (performance.now() < slot.retryAt) return;
    const { at } = slot;
    const before =
      at === null || at.address === now.address ? "" : `; before, it had ${at.address}`;
    await this.end(slot);
    slot.at = now;
    for (const other of this.slots) {
      if (other.at?.address !== now.address || other === slot) continue;
      if (this.addressOf(other.plan.interfaceName)?.address === now.address) continue;
      // The address has moved here: it is the other's no more, and its sockets would keep it.
      await this.end(other);
      other.at = null;
    }
    try {
      await this.serve(slot, now);
    } catch (error) {
      return this.change(slot, notServedText(slot, error));
    }
    this.change(slot, null);
    this.ports?.note(`${interfaceName} is served, with ${now.address}${before}`);
  }

  private async end(slot: Slot): Promise<void> {
    const { served } = slot;
    slot.served = null;
    slot.place = null;
    slot.warnings = [];
    await served?.[Symbol.asyncDispose]();
  }

  private async serve(slot: Slot, at: InterfaceAddress): Promise<void> {
    const place: NetworkPlace = {
      count: this.slots.length,
      warn: (texts) => {
        // What ends may still say something.
        if (slot.place !== place) return;
        slot.warnings = texts;
        this.tell();
      },
    };
    slot.place = place;
    try {
      slot.served = (await this.ports?.serve(slot.plan, at, place)) ?? null;
    } catch (error) {
      slot.retryAt = performance.now() + retryMs;
      await this.end(slot);
      throw error;
    }
    this.lastServed = slot.served;
  }

  private change(slot: Slot, trouble: string | null): void {
    if (slot.trouble === trouble) return;
    slot.trouble = trouble;
    if (trouble !== null) this.ports?.note(trouble);
    this.tell();
  }

  private tell(): void {
    // Of a network that is away, nothing else can be known.
    const texts = this.slots.flatMap(({ trouble, warnings }) => trouble ?? warnings);
    this.ports?.warn([...new Set([...texts, ...this.overlaps])]);
  }
}

const isSame = (one: InterfaceAddress, other: InterfaceAddress): boolean =>
  one.index === other.index && one.address === other.address && one.netmask === other.netmask;

/** What is wrong with an interface that has no address, as `doctor` says it. */
function downText(interfaceName: string): string {
  const found = interfaceChecks(interfaceName).find(({ level }) => level === "problem");
  const what = found?.text ?? `${interfaceName} has no IPv4 address`;
  return `${what}: its PCs are not served until it is back${found?.mend ? `. To do: ${found.mend}` : ""}`;
}

function notServedText({ plan }: Slot, error: unknown): string {
  const next = error instanceof RoomcastError ? `: ${error.next}` : "";
  return `${plan.interfaceName} is not served: ${errorText(error)}${next}`;
}

/** No later try mends it. */
const isOfConfiguration = (error: unknown): boolean =>
  error instanceof RoomcastError && ["usage", "bad-input", "not-found"].includes(error.code);

const overlapText = (one: string, other: string): string =>
  `the networks of ${one} and ${other} overlap: what is sent to PCs of one may leave by the other. Give each a network of its own, or serve one of them`;

const withoutAddress = (name: string): RoomcastError =>
  new RoomcastError(
    "refused",
    `interface ${name} has no IPv4 address, or does not exist`,
    `see \`ip addr\`; for a lab network of its own: ip addr add 10.77.0.1/24 dev ${name}`,
  );
