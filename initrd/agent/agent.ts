/**
 * The agent: three machines that do not know each other (the link, the life, the desk), wired. What
 * one says becomes an event of another here; what is to be done is in the files beside this one.
 */
import {
  atDesk,
  type Desk,
  type DeskEvent,
  type DeskRequest,
  emptyDesk,
} from "../../core/agent/desk.ts";
import * as lives from "../../core/agent/life.ts";
import type { LinkTrouble, Welcome } from "../../core/agent/link.ts";
import { pcState } from "../../core/agent/state.ts";
import { bulkKind, type Hello } from "../../core/wire/control.ts";
import type { Menu } from "../menu/view.ts";
import { Description } from "./description.ts";
import { type DeskEffectPorts, performAtDesk } from "./desk-effects.ts";
import { type AgentOrder, Link } from "./link/link.ts";
import { ViewGrants } from "./link/view-grants.ts";
import { answerLook } from "./look.ts";
import type { AgentPorts } from "./ports.ts";
import { menuView } from "./screen.ts";
import { Shells } from "./shells.ts";
import { Workbench } from "./workbench.ts";

/** Progress is said, and the screen drawn, this often, in milliseconds. */
const tickEvery = 250;

export class Agent {
  private readonly ports: AgentPorts;
  private readonly link: Link;
  private readonly shells: Shells;
  private readonly description: Description;
  private readonly workbench: Workbench;
  private readonly viewGrants: ViewGrants;
  private readonly deskPorts: DeskEffectPorts;
  private readonly over: PromiseWithResolvers<number> = Promise.withResolvers();
  private menu: Menu | null = null;
  private desk: Desk = emptyDesk;
  private life: lives.Life = lives.idle;

  constructor(ports: AgentPorts) {
    this.ports = ports;
    this.description = new Description(ports.describe);
    this.workbench = new Workbench(ports);
    this.link = new Link(ports.server, ports.clock, {
      prover: () => ports.prover,
      hello: () => this.hello(),
      alive: () => ({ type: "alive", ...this.standing() }),
      up: (welcome) => this.up(welcome),
      message: (message) => this.hear(message),
      bulk: (frame) => {
        if (frame.kind === bulkKind.shell) this.shells.type(frame.tag, frame.payload);
        else this.workbench.mailbox.current.bulk?.(frame);
      },
      down: (trouble, isNews) => this.down(trouble, isNews),
    });
    const { link } = this;
    this.viewGrants = new ViewGrants((message) => link.send(message));
    this.shells = new Shells({
      refusal: ports.shellRefusal,
      send: (message) => void link.send(message),
      sendBulk: (kind, tag, payload) => link.sendBulk(kind, tag, payload),
      log: (text) => ports.journal.log(text),
    });
    const ending = new AbortController();
    this.over.promise.then(() => ending.abort());
    this.deskPorts = {
      ...ports,
      signal: ending.signal,
      grantOf: (view) => this.viewGrants.ask(view),
      menu: () => this.menu,
      send: (message) => link.send(message),
      told: (event) => this.serve(event),
    };
  }

  /** Resolves with the exit status: with `once` after a session, else when `stop` is called. */
  async run(): Promise<number> {
    const { ports } = this;
    this.menu = (await ports.openMenu?.((chosen) => this.serve({ type: "chose", chosen }))) ?? null;
    await this.description.refresh(ports.clock.now());
    this.link.start();
    const ticker = setInterval(() => this.tick(), tickEvery);
    this.draw();
    const status = await this.over.promise;
    clearInterval(ticker);
    this.shells.closeAll();
    this.link.close();
    this.menu?.close();
    return status;
  }

  /** Ends the agent, and its task first: the disk stays unbootable if it is not done. */
  async stop(reason: string): Promise<void> {
    this.happen({ type: "quit", reason });
    await this.over.promise;
  }

  /** Whether it works at something, as opposed to waiting for an order. */
  private get isBusy(): boolean {
    return lives.underWay(this.life) !== null;
  }

  private get isHalfWritten(): boolean {
    return this.ports.isHalfWritten(this.description.latest?.disks ?? []);
  }

  private tick(): void {
    const { ports, link, workbench } = this;
    const order = lives.underWay(this.life);
    const progress = workbench.progress();
    if (order !== null && progress !== null) {
      link.send({ type: "progress", ...lives.workOf(order), ...progress });
    }
    this.happen({ type: "tick" });
    if (this.isBusy) return;
    this.description
      .lookAgain(ports.clock.now(), () => !this.isBusy)
      .then((isChanged) => {
        if (!isChanged) return;
        ports.journal.log("this PC's disks or its link have changed");
        // The server hears of it by a new hello.
        link.renew();
        this.draw();
      })
      .catch((error: unknown) => ports.journal.log(`hardware not read: ${error}`));
  }

  // --- the life

  private happen(event: lives.LifeEvent): void {
    const { ports, life: before } = this;
    const [life, actions] = lives.live(before, event, ports.clock.now(), ports);
    this.life = life;
    for (const action of actions) this.perform(action);
    this.link.heed();
    if (life !== before || this.isBusy) this.draw();
  }

  private perform(action: lives.LifeAction): void {
    switch (action.type) {
      case "start":
        return this.start(action.order);
      case "refresh":
        return this.workbench.mailbox.of(action.order).refreshed?.(action.order);
      case "stop":
        return this.workbench.stop(action.reason);
      case "power":
        return void this.ports.power(action.action).then(() => this.happen({ type: "stayed" }));
      case "exit":
        return this.over.resolve(action.status);
      case "notice":
        return this.notice(action.text);
    }
  }

  private start(order: lives.Order): void {
    const { workbench, link, desk } = this;
    this.serve({ type: "notice", text: null });
    const voice = {
      pcName: desk.name ?? "",
      send: link.send.bind(link),
      sendBulk: link.sendBulk.bind(link),
    };
    workbench
      .start(order, voice)
      .then((end) => this.happen({ type: "finished", work: order, end }));
  }

  private standing(): Pick<Hello, "state" | "report"> {
    const { life, workbench } = this;
    const state = pcState(life, workbench.progress(), this.isHalfWritten);
    return { state, report: lives.report(life) };
  }

  // --- the link

  private async hello(): Promise<Hello> {
    const described = await this.description.refresh(this.ports.clock.now());
    return { type: "hello", ...described, ...this.standing() };
  }

  private up({ name, room }: Welcome): void {
    this.ports.journal.milestone(`registered as ${name}`);
    this.serve({ type: "welcome", name, room });
    this.workbench.mailbox.current.reconnected?.();
    this.link.heed();
    this.draw();
  }

  private down({ detail }: LinkTrouble, isNews: boolean): void {
    const { journal, serverUrl } = this.ports;
    this.shells.closeAll();
    // A server that is away for an hour is not worth a thousand lines.
    if (isNews) journal.milestone(`not connected to ${serverUrl}: ${detail}`);
    this.serve({ type: "down" });
    this.draw();
  }

  private hear(message: AgentOrder): void {
    const { workbench, link, menu, ports } = this;
    switch (message.type) {
      case "restore":
      case "cast":
      case "capture":
      case "wipe":
        return this.happen({ type: "order", order: message });
      case "cancel":
        return this.happen({ type: "cancel", work: message, reason: message.reason });
      case "power":
        return this.happen({ type: "power", action: message.action });
      case "told":
        return workbench.mailbox.of(message).told?.(message.entryCount);
      case "finish":
        return workbench.mailbox.of(message).finish?.();
      case "room":
        workbench.takeRoom(message);
        return this.draw();
      case "grant":
        return this.viewGrants.take(message);
      case "keys":
        return void ports.learnKeys(message.keys);
      case "look":
        return void link.send(answerLook(message, { journal: ports.journal, menu }));
      case "notice":
        return this.notice(message.text);
      case "placed":
        return this.serve({ type: "placed", placed: message });
      case "menu":
        return this.serve({ type: "menu", menu: message });
      case "waiting":
        return this.serve({ type: "waiting", what: message.what });
      case "shell-open":
      case "shell-resize":
      case "shell-credit":
      case "shell-close":
        return this.shells.take(message);
      case "alive":
        return;
    }
  }

  // --- the desk

  private serve(event: DeskEvent): void {
    const { desk: before } = this;
    const [desk, requests] = atDesk(before, event);
    this.desk = desk;
    for (const request of requests) this.grant(request);
    if (desk !== before) this.draw();
  }

  private grant(request: DeskRequest): void {
    switch (request.type) {
      case "stop": {
        const order = lives.underWay(this.life);
        if (order === null) return;
        this.link.send({ type: "ask", want: { action: "stop", session: order.session } });
        // The server may be out of reach, and the person at the PC is not to wait for it.
        return this.happen({ type: "stop", reason: "stopped at the PC" });
      }
      case "dismiss":
        return this.happen({ type: "dismissed" });
      case "power":
        if (request.action === "boot-disk" && !this.isBusy) {
          this.link.send({ type: "ask", want: { action: "boot-disk" } });
        }
        return this.happen({ type: "power", action: request.action });
      default:
        return performAtDesk(request, this.deskPorts);
    }
  }

  private notice(text: string): void {
    this.ports.journal.log(text);
    this.serve({ type: "notice", text });
  }

  private draw(): void {
    const { menu, ports, link, desk, life, workbench } = this;
    const described = this.description.latest;
    if (menu === null || described === null) return;
    const task = workbench.view(life, link.word === "connected", ports.clock.now());
    const troubles = ports.troubles(described.disks);
    const { isHalfWritten } = this;
    const { serverUrl } = ports;
    menu.show(menuView({ serverUrl, link, desk, described, isHalfWritten, troubles, task }));
  }
}
