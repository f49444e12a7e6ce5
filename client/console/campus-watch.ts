/** Asks again and again how the rooms of the campus are, while the page is open that shows them. */
import { errorText } from "../../core/errors.ts";
import type { CampusRoomView } from "../../core/wire/campus.ts";
import type { ConsoleApi } from "./api.ts";

/** Milliseconds between two questions. */
const askEveryMs = 2000;

export interface SeenCampus {
  readonly rooms: readonly CampusRoomView[];
  /** Why there is nothing newer. */
  readonly trouble: string | null;
}

export class CampusWatch {
  private readonly api: Pick<ConsoleApi, "get">;
  private readonly tell: (seen: SeenCampus) => void;
  private seen: SeenCampus = { rooms: [], trouble: null };
  private isOpen = false;
  private timer: NodeJS.Timeout | undefined;

  constructor(api: Pick<ConsoleApi, "get">, tell: (seen: SeenCampus) => void) {
    this.api = api;
    this.tell = tell;
  }

  /** From now on it asks, or does not. */
  set(isOpen: boolean): void {
    if (isOpen === this.isOpen) return;
    this.isOpen = isOpen;
    clearTimeout(this.timer);
    if (isOpen) void this.ask();
  }

  private async ask(): Promise<void> {
    try {
      const rooms = await this.api.get<readonly CampusRoomView[]>("/campus/rooms");
      this.seen = { rooms, trouble: null };
    } catch (error) {
      this.seen = { ...this.seen, trouble: errorText(error) };
    }
    if (!this.isOpen) return;
    this.tell(this.seen);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.ask(), askEveryMs);
  }
}
