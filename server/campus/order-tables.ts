/** Orders between the servers of a campus, as one of them sees them. */
import type { SeenOrder } from "../../core/campus/given-order.ts";
import type { CampusOrder, OrderAnswer } from "../../core/wire/campus-order.ts";
import type { Away } from "./database.ts";

/** `order`: there may be one for this server; `answer`: this one that it gave may be in another state. `id` null: any. */
export type OrderHint = (about: "order" | "answer", id: string | null) => void;

export interface OrderTables {
  /** Done again, also after it was withdrawn, it changes nothing. */
  give(order: CampusOrder): Promise<void>;
  /** Null: there is no such order. */
  look(id: string): Promise<SeenOrder | null>;
  /** Sees to it that the order is never begun, unless it was, and also where it was not given yet. */
  withdraw(order: CampusOrder): Promise<SeenOrder | null>;
  /** Its origin has read what came of it. One that was withdrawn stays: the giving of it may still be on its way. */
  forget(id: string): Promise<void>;
  /**
   * Says that the server is at the orders of `known`, gives up its others that are begun, and begins so many new ones:
   * each is answered once. Nothing, unless this process has the server's name.
   */
  take(
    server: { readonly name: string; readonly instance: string },
    known: readonly string[],
    most: number,
  ): Promise<CampusOrder[]>;
  answer(id: string, answer: OrderAnswer): Promise<void>;
  /** Removes orders that this server gave an hour ago, and all of a day ago. */
  clear(server: string): Promise<void>;
  onHint(server: string, hint: OrderHint): Disposable;
  away(): Away | null;
}
