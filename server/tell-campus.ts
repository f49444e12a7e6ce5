/** What joins the lab to the campus that its server belongs to. */
import type { CampusRooms } from "./campus/campus-rooms.ts";
import type { Lab } from "./lab/lab.ts";

/** From now on the other servers of the campus see this one's rooms. */
export function tellCampus(lab: Lab, campus: CampusRooms, address: string): void {
  campus.begin(
    {
      names: () => lab.inventory.rooms(),
      view: (name) => lab.publishedRoom(name),
    },
    address,
  );
  lab.announcer.feed.listen((event) => {
    if (event.type === "room") campus.changed(event.room.name);
    else if (event.type === "room-gone") campus.changed(event.name);
    else if (event.type === "session" && event.session.room !== null)
      campus.changed(event.session.room);
  });
}
