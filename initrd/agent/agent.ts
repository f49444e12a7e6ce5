/**
 * The agent: three machines that do not know each other (the link, the life at its workbench, the desk),
 * wired. What one says becomes an event of another here; what is to be done is in the files beside this one.
 */
import type { Desk } from "../../core/agent/desk.ts";
import type { LinkTrouble, Welcome } from "../../core/agent/link.ts";
import { bulkKind } from "../../core/wire/bulk.ts";
import type { Hello } from "../../core/wire/hello.ts";
import type { MenuView } from "../menu/view.ts";
import type { Listening } from "./check/listen.ts";
import { Description } from "./description.ts";
import { FrontDesk, isForDesk } from "./front-desk.ts";
import { type AgentOrder, Link } from "./link/link.ts";
import { ViewGrants } from "./link/view-grants.ts";
import { answerLook } from "./look.ts";
import type { AgentPorts } from "./ports.ts";
import { menuView } from "./screen.ts";
import { isForShells, Shells } from "./shells.ts";
import { isForWork, Workbench } from "./workbench.ts";

/** Progress is said, and the screen drawn, this often, in milliseconds. */
const tickEvery = 250;

export class Agent {
  private readonly ports: AgentPorts;
  private readonly link: Link;
  private readonly shells: Shells;
  private readonly description: Description;
  private readonly workbench: Workbench;
  private readonly viewGrants: ViewGrants;
  private readonly desk: FrontDesk;
  private listening: { readonly request: string; readonly ears: Listening } | null = null;
  private readonly over: PromiseWithResolvers<number> = Promise.withResolvers();

  constructor(ports: AgentPorts) {
    this.ports = ports;
    this.description = new Description(ports);
    this.link = new Link(ports.server, ports.clock, {
      prover: () => ports.prover,
      hello: () => this.hello(),
      alive: () => ({ type: "alive", ...this.standing() }),
      up: (welcome) => this.up(welcome),
      message: (message) => this.hear(message),
      bulk: (frame) => {
        if (frame.kind === bulkKind.shell) this.shells.type(frame.tag, frame.payload);
        else this.workbench.listeners.bulk?.(frame);
      },
      down: (trouble, isNews) => this.down(trouble, isNews),
    });
    const send = this.link.send.bind(this.link);
    const sendBulk = this.link.sendBulk.bind(this.link);
    const { journal, shellRefusal: refusal } = ports;
    this.viewGrants = new ViewGrants(send);
    this.shells = new Shells({
      refusal,
      send: (message) => void send(message),
      sendBulk,
      ...journal,
    });
    this.workbench = new Workbench({
      ...ports,
      ...{ send, sendBulk },
      pcName: () => this.desk.pcName,
      notice: (text) => this.desk.notice(text),
      changed: () => {
        this.link.heed();
        this.desk.draw();
      },
      exit: (status) => this.over.resolve(status),
    });
    const ending = new AbortController();
    this.over.promise.then(() => ending.abort());
    this.desk = new FrontDesk({
      ...ports,
      ...{ send, signal: ending.signal },
      grantOf: (view) => this.viewGrants.ask(view),
      work: (request) => this.workbench.ask(request),
      view: (desk) => this.view(desk),
    });
  }

  /** Resolves with the exit status: with `once` after a session, else when `stop` is called. */
  async run(): Promise<number> {
    await this.desk.open();
    // The server is reached while the disks are asked what they are.
    const described = this.description.current();
    this.link.start();
    await described;
    const ticker = setInterval(() => this.tick(), tickEvery);
    this.desk.draw();
    const status = await this.over.promise;
    clearInterval(ticker);
    this.shells.closeAll();
    this.link.close();
    this.desk.close();
    return status;
  }

  /** Ends the agent, and its task first: the disk stays unbootable if it is not done. */
  async stop(reason: string): Promise<void> {
    this.workbench.quit(reason);
    await this.over.promise;
  }

  private tick(): void {
    const { description, workbench, link, desk } = this;
    workbench.tick();
    link.heed();
    if (workbench.isBusy) return;
    description.lookAgain(
      () => !workbench.isBusy,
      () => {
        // The server hears of it by a new hello.
        link.renew();
        desk.draw();
      },
    );
  }

  private standing(): Pick<Hello, "state" | "report"> {
    return this.workbench.standing(this.description.isHalfWritten);
  }

  private async hello(): Promise<Hello> {
    const described = await this.description.current();
    return { type: "hello", ...described, ...this.standing() };
  }

  private up({ name, room }: Welcome): void {
    this.ports.journal.milestone(`registered as ${name}`);
    this.ports.welcomed();
    this.desk.take({ type: "welcome", name, room });
    this.workbench.listeners.reconnected?.();
    this.link.heed();
    this.desk.draw();
  }

  private down({ detail }: LinkTrouble, isNews: boolean): void {
    const { journal, serverUrl } = this.ports;
    this.shells.closeAll();
    // A server that is away for an hour is not worth a thousand lines.
    if (isNews) journal.milestone(`not connected to ${serverUrl}: ${detail}`);
    this.desk.take({ type: "down" });
    this.desk.draw();
  }

  private hear(message: AgentOrder): void {
    const { link, desk, ports } = this;
    if (isForWork(message)) return this.workbench.hear(message);
    if (isForDesk(message)) return desk.hear(message);
    if (isForShells(message)) return this.shells.take(message);
    switch (message.type) {
      case "grant":
        return this.viewGrants.take(message);
      case "keys":
        return void ports.learnKeys(message.keys);
      case "look":
        return void link.send(answerLook(message, { journal: ports.journal, menu: desk.menu }));
      case "listen":
        // One that was not ended closes by itself.
        this.listening = { request: message.request, ears: ports.listen(message) };
        return;
      case "listen-end":
        return void this.tellHeard(message.request);
      case "alive":
        return;
    }
  }

  private async tellHeard(request: string): Promise<void> {
    const { listening } = this;
    if (listening?.request !== request) return;
    this.listening = null;
    this.link.send(await listening.ears.end());
  }

  private view(desk: Desk): MenuView | null {
    const { link, workbench } = this;
    const { latest, isHalfWritten } = this.description;
    if (latest === null) return null;
    const { serverUrl, clock } = this.ports;
    const task = workbench.view(link.word === "connected", clock.now());
    const language = desk.place?.language ?? this.ports.language;
    return menuView({ language, serverUrl, link, desk, ...latest, isHalfWritten, task });
  }
}
