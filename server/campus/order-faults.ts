/** Why a server does not do an order at another one of its campus, or cannot say what came of it. */
import type { OrderEnd } from "../../core/campus/given-order.ts";
import { RoomcastError } from "../../core/errors.ts";
import type { CampusServer } from "../../core/wire/campus.ts";
import { orderBytesLimit } from "../../core/wire/campus-order.ts";

export const noSuchServer = (name: string): RoomcastError =>
  new RoomcastError(
    "not-found",
    `the campus has no server ${name}`,
    "see `roomcast status` for its servers",
  );

export const serverAway = (name: string, since: string): RoomcastError =>
  new RoomcastError(
    "away",
    `the server ${name} was not heard since ${since}`,
    `see that it runs and reaches the campus's database; nothing was done there`,
  );

export const databaseAway = (name: string, since: string): RoomcastError =>
  new RoomcastError(
    "away",
    `the campus's database is away since ${since}, and by it alone ${name} can be asked`,
    "see that PostgreSQL runs and can be reached, or do it at that server itself; nothing was done",
  );

export const orderTooLarge = ({ name, address }: CampusServer): RoomcastError =>
  new RoomcastError(
    "refused",
    `what is sent to another server of the campus has at most ${orderBytesLimit} bytes`,
    `do it at ${name} itself${address === null ? "" : `: ${address}`}`,
  );

export const tooManyOrders = (limit: number): RoomcastError =>
  new RoomcastError(
    "too-many",
    `${limit} orders to other servers of the campus are under way`,
    "try it again in some seconds",
  );

/** What came of an order that was not answered. */
export function notAnswered(
  end: Exclude<OrderEnd["name"], "answered">,
  name: string,
): RoomcastError {
  const look = `see what it does: \`roomcast --server-name ${name} session list\``;
  switch (end) {
    case "not-begun":
      return new RoomcastError(
        "away",
        `${name} did not answer; nothing was done there`,
        "see in `roomcast status` whether it is there, and of a roomcast that takes orders of other servers",
      );
    case "no-word":
      return new RoomcastError(
        "failed",
        `${name} has taken the order, and did not say what came of it`,
        look,
      );
    case "not-known":
      return new RoomcastError(
        "failed",
        `whether ${name} has got the order is not known: the campus's database went away meanwhile`,
        look,
      );
  }
}
