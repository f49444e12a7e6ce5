/** What all parts of the page share: the store, who is logged in, where the reader is, and what is open. */
import { computed, effect, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { createContext } from "preact";
import { useContext, useState } from "preact/hooks";
import { assert } from "../../core/errors.ts";
import type { LoginView } from "../../core/wire/api.ts";
import type { Feed } from "./feed.ts";
import type { Action } from "./orders/action.ts";
import { type Route, routeOf } from "./route.ts";
import type { Store } from "./store.ts";
import { Works } from "./works.ts";

/** What lies over the page. */
export type Overlay =
  | { readonly kind: "action"; readonly action: Action }
  | { readonly kind: "token"; readonly title: string; readonly token: string }
  | { readonly kind: "help" }
  | { readonly kind: "wall-link"; readonly room: string };

export interface App {
  readonly store: Store;
  readonly feed: Feed;
  readonly works: Works;
  readonly account: Signal<LoginView | null>;
  readonly route: Signal<Route>;
  readonly overlay: Signal<Overlay | null>;
  /** What was done last, or why it was not. */
  readonly said: Signal<{ readonly text: string; readonly isGood: boolean } | null>;
  readonly marked: Signal<ReadonlySet<string>>;
  /** The PC that keys act on. */
  readonly chosen: Signal<string | null>;
  readonly filter: Signal<string>;
  readonly view: Signal<"map" | "list">;
  /** Seats are being dragged. */
  readonly isArranging: Signal<boolean>;
  readonly mayOperate: ReadonlySignal<boolean>;
  readonly isAdmin: ReadonlySignal<boolean>;
}

export function makeApp(store: Store, feed: Feed): App {
  const account = signal<LoginView | null>(null);
  return {
    ...{ store, feed, account, works: new Works() },
    route: signal(routeOf(location.hash)),
    overlay: signal<Overlay | null>(null),
    said: signal<{ text: string; isGood: boolean } | null>(null),
    marked: signal<ReadonlySet<string>>(new Set()),
    chosen: signal<string | null>(null),
    filter: signal(""),
    view: signal<"map" | "list">("map"),
    isArranging: signal(false),
    mayOperate: computed(() => ["operator", "admin"].includes(account.value?.role ?? "")),
    isAdmin: computed(() => account.value?.role === "admin"),
  };
}

export const AppContext = createContext<App | null>(null);

export function useApp(): App {
  const app = useContext(AppContext);
  assert(app !== null, "the page's parts are inside of it");
  return app;
}

/** Opens what an order asks. */
export const ask = (app: App, action: Action): void => {
  app.overlay.value = { kind: "action", action };
};

/** Whether what was opened with this component still lies over the page: something else may, by the time of an answer. */
export function useIsOpen(): () => boolean {
  const { overlay } = useApp();
  const [own] = useState(() => overlay.peek());
  return () => overlay.peek() === own;
}

/** Shows a token, which is given once, as soon as nothing else lies over the page. */
export function showToken({ overlay }: App, title: string, token: string): void {
  let isShown = false;
  effect(() => {
    if (isShown || overlay.value !== null) return;
    isShown = true;
    overlay.value = { kind: "token", title, token };
  });
}
