/** Where the reader is: the part of the address behind the number sign. */

export type Route =
  /** A room seat by seat or as a list; null: all PCs, as a list. */
  | { readonly page: "wall"; readonly room: string | null }
  | { readonly page: "pc"; readonly id: string }
  | { readonly page: "session"; readonly id: string }
  | { readonly page: "room"; readonly name: string }
  /** A room of another server of the campus. */
  | { readonly page: "elsewhere"; readonly server: string; readonly name: string }
  /** What happened to one of these. */
  | {
      readonly page: "history";
      readonly of: "pc" | "room" | "session" | "image" | "operator";
      readonly id: string;
    }
  | { readonly page: "sessions" | "images" | "schedule" | "people" | "doctor" | "campus" };

const lists = ["sessions", "images", "schedule", "people", "doctor", "campus"] as const;
const subjects = ["pc", "room", "session", "image", "operator"] as const;

/** An address that is no page of this one is the wall of all PCs. */
export function routeOf(hash: string): Route {
  const [page = "", ...rest] = hash
    .replace(/^#\/?/, "")
    .split("/")
    .map((part) => decoded(part));
  const [id = "", more = ""] = rest;
  const single = lists.find((each) => each === page);
  if (page === "campus" && more !== "") return { page: "elsewhere", server: id, name: more };
  if (single !== undefined) return { page: single };
  if (id === "") return { page: "wall", room: null };
  const subject = subjects.find((each) => each === id);
  if (page === "history" && subject !== undefined && more !== "")
    return { page, of: subject, id: more };
  if (page === "pc" || page === "session") return { page, id };
  if (page === "room") return { page, name: id };
  return { page: "wall", room: page === "wall" ? id : null };
}

export function hrefOf(route: Route): string {
  switch (route.page) {
    case "wall":
      return route.room === null ? "#/wall" : `#/wall/${encodeURIComponent(route.room)}`;
    case "pc":
    case "session":
      return `#/${route.page}/${encodeURIComponent(route.id)}`;
    case "room":
      return `#/room/${encodeURIComponent(route.name)}`;
    case "elsewhere":
      return `#/campus/${encodeURIComponent(route.server)}/${encodeURIComponent(route.name)}`;
    case "history":
      return `#/history/${route.of}/${encodeURIComponent(route.id)}`;
    default:
      return `#/${route.page}`;
  }
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
