/** A PC of the lab: power, boot, cable, disk, and an agent with the real life and tasks in lab time. */
import {
  idle,
  isSameWork,
  type Life,
  type LifeEvent,
  live,
  type Order,
  report,
  underWay,
} from "../../core/agent/life.ts";
import { greetLimit, proveLimit } from "../../core/agent/link.ts";
import { readyLimit } from "../../core/session/member.ts";
import type { Sign } from "../../core/session/sign.ts";
import { millis } from "../../core/units/units.ts";
import type { AgentMessage } from "../../core/wire/agent-message.ts";
import { silenceLimit } from "../../core/wire/control.ts";
import type { End } from "../../core/wire/work.ts";
import { LabDisk } from "./disk.ts";
import { marksOf, type SimKey, type SimLogin, secretOf } from "./keys.ts";
import type { Lab } from "./lab.ts";
import { type DownMessage, Link, type Peer } from "./link.ts";
import { LabTask } from "./task.ts";

/** Pauses between two tries to reach the server, in milliseconds. */
const retryLeast = 500;
const retryMost = 5000;
const tickMs = 2000;
const isIdle: AgentMessage = { type: "alive", state: "idle", report: null };
/** So long that the server gives the PC up. */
const sluggishMs = readyLimit * 1.5;

/** An agent gives a server up that has not let it in after this: the greeting's limit and the proof's. */
const loginMs = greetLimit + proveLimit;

export class Pc implements Peer {
  readonly id: string;
  readonly room: string;
  readonly disk: LabDisk;
  readonly isDeaf: boolean;
  private readonly hasTpm: boolean;
  private readonly lab: Lab;
  /** Counts its starts: what an earlier one had planned does not happen. */
  private boot = 0;
  power: "off" | "starting" | "agent" | "own disk" = "off";
  private life: Life = idle;
  private task: LabTask | null = null;
  private link: Link | null = null;
  private hasWelcome = false;
  private cableOutUntil = 0;
  /** Which ends of work its agents came to, and which were said to be ready: what really happened. */
  readonly ends = new Map<string, End[]>();
  readonly readied = new Set<string>();
  /** The sessions after whose work its own system has shown itself. */
  readonly shown = new Set<string>();
  /** How often somebody has sent in the name of its system. */
  lies = 0;
  /** Work that this start of the agent has begun. */
  private begun = new Set<string>();
  private agentSince = 0;
  private isTicking = false;
  /** Of the work that ended last. */
  private lastSession: string | null = null;

  constructor(lab: Lab, id: string, room: string) {
    this.lab = lab;
    this.id = id;
    this.room = room;
    this.disk = new LabDisk(id, lab.settings.cellCount);
    this.isDeaf = lab.random() < lab.settings.deafShare;
    this.hasTpm = lab.random() >= lab.settings.memoryShare;
  }

  /** Without a TPM it is another one at each start. */
  get key(): SimKey {
    const { id, boot, hasTpm } = this;
    return { name: hasTpm ? id : `${id} ${boot}`, kind: hasTpm ? "tpm" : "memory" };
  }

  get isReachable(): boolean {
    return this.lab.now >= this.cableOutUntil && this.power === "agent";
  }

  get order(): Order | null {
    return underWay(this.life);
  }

  /** What is not at rest yet, for the check that everything ends; null: it is. */
  get unrest(): string | null {
    if (this.power === "starting") return "starts";
    if (this.power !== "agent") return null;
    if (!this.hasWelcome) return "is not connected";
    const said = report(this.life);
    return said === null ? null : `is ${said.phase} at attempt ${said.attempt} of ${said.session}`;
  }

  // --- power

  /** On, or on again, by its network: what was in its memory is gone. */
  start(): void {
    this.fall();
    this.power = "starting";
    const { lab, boot } = this;
    const { bootMs } = lab.settings;
    lab.after(bootMs * (0.3 + lab.random() * 0.4), () => this.askForFiles(boot));
  }

  switchOff(): void {
    this.fall();
    this.power = "off";
  }

  /** Whatever ran here is gone; the server notices when nothing comes any more. */
  private fall(): void {
    this.boot++;
    this.task = null;
    this.life = idle;
    this.isTicking = false;
    this.lab.hung.delete(this);
    this.hasWelcome = false;
    this.begun = new Set();
    this.dropLink();
  }

  private askForFiles(boot: number): void {
    const { lab } = this;
    if (boot !== this.boot) return;
    if (!lab.server.isUp || lab.now < this.cableOutUntil)
      return lab.after(5000, () => this.askForFiles(boot));
    lab.server.seen(this.id, { kind: "loader" });
    // The server may have died of what it decided.
    if (lab.server.isUp) lab.server.booting(this.id);
    lab.after(lab.settings.bootMs * (0.3 + lab.random() * 0.4), () => {
      if (boot !== this.boot) return;
      this.power = "agent";
      lab.server.seen(this.id, { kind: "agent" });
      this.agentSince = lab.now;
      this.connect(boot);
      this.sayAlive(boot);
    });
  }

  private leave(action: "reboot" | "poweroff" | "boot-disk"): void {
    const { lab } = this;
    lab.tally.happened.departures++;
    const session = this.life.name === "leaving" ? this.lastSession : null;
    this.fall();
    this.power = action === "poweroff" ? "off" : "own disk";
    // Its own system writes on its disk.
    if (this.power !== "own disk") return;
    this.disk.write(0, `${this.id} at ${Math.round(lab.now)}`, false);
    this.startOwn(session);
  }

  /** Its firmware tries the network first, then its own system comes up, or it does not. */
  private startOwn(session: string | null): void {
    const { lab, boot } = this;
    const { silentBoots, networkBoots, bootMs } = lab.settings;
    const isNetwork = lab.own() < networkBoots;
    const isSilent = lab.own() < silentBoots;
    const sense = lab.pickOwn(["dhcp", "arp", "ssh"] as const);
    lab.after(bootMs * (0.3 + lab.own()), () => {
      if (boot !== this.boot) return;
      if (isNetwork) return this.start();
      lab.server.seen(this.id, { kind: "loader" });
      if (isSilent) return;
      lab.after(1000 + lab.own() * 60_000, () => this.show(boot, session, sense, 0));
    });
  }

  /** Again and again, as systems do: the server may be down. */
  private show(boot: number, session: string | null, sense: "dhcp" | "arp" | "ssh", times: number) {
    const { lab, id } = this;
    if (boot !== this.boot || times > 12) return;
    const address = "10.77.0.9";
    const sign: Readonly<Record<typeof sense, Sign>> = {
      dhcp: { kind: "dhcp", system: "Debian", host: id },
      arp: { kind: "arp", address },
      ssh: { kind: "ssh", address, banner: "SSH-2.0-OpenSSH_9.2p1 Debian-2" },
    };
    if (session !== null) this.shown.add(session);
    lab.server.seen(id, sign[sense]);
    if (sense !== "arp") lab.checks.hasShown(this);
    lab.after(5000, () => this.show(boot, session, sense, times + 1));
  }

  // --- the link

  private connect(boot: number): void {
    const { lab } = this;
    if (boot !== this.boot || this.link !== null) return;
    const again = (): void =>
      lab.after(retryLeast + lab.random() * (retryMost - retryLeast), () => this.connect(boot));
    if (!lab.server.isUp || lab.now < this.cableOutUntil) return again();
    const link = new Link(this, lab.wire);
    this.link = link;
    this.hasWelcome = false;
    link.onPc = (message) => this.hear(message);
    lab.server.accept(link);
    // No welcome: the agent tries anew.
    lab.after(loginMs, () => {
      if (this.link !== link || this.hasWelcome || boot !== this.boot) return;
      this.dropLink();
      again();
    });
  }

  private hello(nonce: number, channel: number): SimLogin {
    const { key, life } = this;
    const proof = { key, secret: secretOf(key), nonce, channel };
    return { type: "hello", ...proof, marks: marksOf(this.id), report: report(life) };
  }

  private dropLink(): void {
    const { link } = this;
    this.link = null;
    this.hasWelcome = false;
    if (link === null || link.isCut) return;
    link.isCut = true;
    this.lab.serverNotices(link);
  }

  /** The connection breaks; frames on the way are lost, and both sides notice in their own time. */
  cut(): void {
    const { link, lab, boot } = this;
    if (link === null || link.isCut) return;
    link.isCut = true;
    lab.serverNotices(link);
    this.notices(link, boot, lab.random() * silenceLimit);
  }

  /** The server's process has died: its sockets are closed by its kernel. */
  serverDied(link: Link): void {
    if (link.isCut) return;
    link.isCut = true;
    this.notices(link, this.boot, this.lab.wire.delayMs());
  }

  private notices(link: Link, boot: number, ms: number): void {
    this.lab.after(ms, () => {
      if (this.link !== link || boot !== this.boot) return;
      this.link = null;
      this.hasWelcome = false;
      this.connect(boot);
    });
  }

  pullCable(ms: number): void {
    const { lab, link } = this;
    this.cableOutUntil = lab.now + Math.ceil(ms);
    if (ms >= silenceLimit) return this.cut();
    if (link !== null) link.stalledUntil = this.cableOutUntil;
  }

  plugIn(): void {
    this.cableOutUntil = 0;
  }

  private send(message: AgentMessage): void {
    const { link } = this;
    if (link === null || !this.hasWelcome) return;
    if (message.type === "ready") this.readied.add(`${message.session} ${message.attempt}`);
    link.toServer(message);
  }

  private sayState(): void {
    const { life } = this;
    this.send(life === idle ? isIdle : { type: "alive", state: "idle", report: report(life) });
  }

  private sayAlive(boot: number): void {
    if (boot !== this.boot) return;
    this.sayState();
    // The boot image speaks ARP as any system does.
    if (this.isReachable) this.lab.server.seen(this.id, { kind: "arp", address: "10.77.0.8" });
    this.lab.after(this.lab.settings.aliveMs, () => this.sayAlive(boot));
  }

  /** An agent that is to leave looks every two seconds whether it may. */
  private tick(boot: number): void {
    const { lab, life } = this;
    if (this.isTicking || life.name !== "done" || life.departure === null) return;
    this.isTicking = true;
    lab.after(tickMs - ((lab.now - this.agentSince) % tickMs), () => {
      if (boot !== this.boot) return;
      this.isTicking = false;
      this.happen({ type: "tick" });
    });
  }

  private hear(message: DownMessage): void {
    switch (message.type) {
      case "sim-challenge":
        return this.link?.toServer(this.hello(message.nonce, message.channel));
      case "welcome":
        this.hasWelcome = true;
        this.task?.reconnected();
        return this.sayState();
      case "restore":
      case "capture":
      case "cast":
      case "wipe":
        return this.happen({ type: "order", order: message });
      case "cancel":
        return this.happen({ type: "cancel", work: message, reason: message.reason });
      case "finish":
        if (this.order !== null && isSameWork(this.order, message)) this.task?.told();
        return;
    }
  }

  // --- the person at its menu

  /** Types a PIN, right or wrong, or asks for something. */
  person(): void {
    const { lab } = this;
    const pin = lab.pickPersonal(["2468", "97531", "1111", null, null]);
    if (pin !== null) return this.send({ type: "unlock", pin });
    const own = { disk: "/dev/sda" };
    const want = lab.pickPersonal([
      { action: "restore", image: "win@1", ...own },
      { action: "wipe", method: "zero", ...own },
      { action: "capture", name: "master", ...own },
      { action: "cast", room: "default", saveAs: null, ...own },
      { action: "withdraw" },
    ] as const);
    this.send({ type: "ask", want });
  }

  // --- work

  stopAtPc(): void {
    if (this.order === null) return;
    this.lab.server.stopAtPc(this.id, this.order.session);
    this.happen({ type: "stop", reason: "stopped at the PC" });
  }

  private happen(event: LifeEvent): void {
    const { lab } = this;
    let before = this.life;
    const isRepeated =
      event.type === "order" && before.name === "done" && isSameWork(before.order, event.order);
    if (isRepeated && lab.plant === "order-again") before = idle;
    const [life, actions] = live(before, event, millis(lab.now), { once: false });
    this.life = life;
    for (const action of actions) {
      if (action.type === "start") this.begin(action.order);
      if (action.type === "refresh" && lab.plant !== "no-refresh")
        this.task?.refreshed(action.order);
      if (action.type === "stop") this.task?.stop(action.reason);
      if (action.type === "power") return this.leave(action.action);
    }
    if (life !== before) this.sayState();
    this.tick(this.boot);
  }

  private begin(order: Order): void {
    const { lab, boot } = this;
    const { settings } = lab;
    const key = `${order.session} ${order.attempt}`;
    lab.checks.begins(this, order, !this.begun.has(key));
    this.begun.add(key);
    lab.drawDiskFault(this.disk);
    const task: LabTask = new LabTask(order, {
      disk: this.disk,
      writeMs: settings.writeMs,
      progressMs: settings.progressMs,
      isDeaf: this.isDeaf,
      prepareMs: lab.strikes("slow to get ready", settings.sluggish)
        ? sluggishMs
        : 200 + lab.random() * 3000,
      isRefused: lab.strikes("refused at the PC", settings.refusals),
      after: (ms, run) =>
        lab.after(ms, () => {
          if (boot === this.boot) run();
        }),
      send: (message) => this.send(message),
      server: () =>
        this.isReachable && lab.server.isUp ? lab.server.admitted(this.id, task.grant) : null,
      writing: (at) => lab.checks.writes(this, at),
      hangs: () => void lab.hung.add(this),
      ended: (end) => this.ended(order, task, end),
    });
    this.task = task;
  }

  private ended(order: Order, task: LabTask, end: End): void {
    if (this.task !== task) return;
    const key = `${order.session} ${order.attempt}`;
    this.lastSession = order.session;
    this.ends.set(key, [...(this.ends.get(key) ?? []), end]);
    this.happen({ type: "finished", work: order, end });
  }

  /** A packet of the cast. */
  arrive(session: string, index: number, value: string): void {
    if (this.isReachable && !this.isDeaf && this.task?.isIn(session) === true)
      this.task.arrive(index, value);
  }

  /** Nothing goes wrong any more. */
  mend(): void {
    this.plugIn();
    this.disk.fault = null;
    this.task?.unhang();
  }

  unhang(): void {
    this.lab.hung.delete(this);
    this.task?.unhang();
  }
}
