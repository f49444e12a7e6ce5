/** What joins the lab to the campus that its server belongs to. */
import type { CampusHistory } from "./campus/campus-history.ts";
import type { CampusRooms } from "./campus/campus-rooms.ts";
import type { Lab } from "./lab/lab.ts";

/** From now on the other servers of the campus see this one's rooms. */
export function tellCampus(
  lab: Lab,
  campus: CampusRooms,
  { address, left }: { address(): string; left(room: string): void },
): void {
  const { moves } = lab;
  campus.begin(
    {
      names: () => lab.inventory.rooms(),
      view: (name) => lab.publishedRoom(name),
      moves: {
        refusal: (name) => moves.refusal(name),
        record: (name) => moves.record(name),
        hasTaken: (folded, epoch) => moves.hasTaken(folded, epoch),
        take: (read, name, epoch) => moves.take(read, name, epoch),
        leave(name, to) {
          moves.leave(name, to);
          left(name);
        },
      },
    },
    address,
  );
  lab.announcer.feed.listen((event) => {
    if (event.type === "room") {
      campus.changed(event.room.name);
      campus.recordChanged(event.room.name);
    } else if (event.type === "pc") campus.recordChanged(event.pc.room);
    else if (event.type === "room-gone") campus.changed(event.name);
    else if (event.type === "session" && event.session.room !== null)
      campus.changed(event.session.room);
  });
}

/** From now on the other servers see which of this one's sessions are over. */
export function tellHistory(lab: Lab, history: CampusHistory, keepDays: number): void {
  history.begin(lab.ended, keepDays);
  lab.announcer.feed.listen((event) => {
    if (event.type === "session" && event.session.endedAt !== null) history.wake();
  });
}
