/** Grants for what a person looks at on the PC's screen: asked for over the connection, one a look. */
import { RoomcastError } from "../../../core/errors.ts";
import type { ViewRole } from "../../../core/trust/grant.ts";
import type { AgentMessage } from "../../../core/wire/agent-message.ts";
import type { GrantAnswer } from "../../../core/wire/grant.ts";

/** A server that is busy to the last core answers within this, in milliseconds. */
const answerLimit = 5000;

export class ViewGrants {
  private readonly send: (message: AgentMessage) => boolean;
  private readonly waiting = new Map<ViewRole, Set<(answer: GrantAnswer) => void>>();

  constructor(send: (message: AgentMessage) => boolean) {
    this.send = send;
  }

  /** Rejects with `unreachable` when the server does not say, and with `refused` when it says no. */
  async ask(view: ViewRole): Promise<string> {
    const { promise, resolve, reject } = Promise.withResolvers<GrantAnswer>();
    const all = this.waiting.get(view) ?? new Set();
    this.waiting.set(view, all.add(resolve));
    const silent = new RoomcastError(
      "unreachable",
      "there is no connection to the server",
      "try again when there is one",
    );
    const limit = setTimeout(reject, answerLimit, silent);
    if (!this.send({ type: "grant-request", view })) reject(silent);
    try {
      const { grant, reason } = await promise;
      if (grant !== null) return grant;
      throw new RoomcastError("refused", reason ?? "the server says no", "ask an operator");
    } finally {
      clearTimeout(limit);
      all.delete(resolve);
    }
  }

  take(answer: GrantAnswer): void {
    for (const resolve of this.waiting.get(answer.view) ?? []) resolve(answer);
  }
}
