/** Why what all servers of a campus have alike could not be changed. */
import { RoomcastError } from "../../core/errors.ts";

/** Nothing was done. */
export const notWhileAway = (what: string, reason: string): RoomcastError =>
  new RoomcastError(
    "away",
    `${what} cannot be changed while the campus's database is away (${reason}): it is one for all servers`,
    "try again once `roomcast status` shows that the database is there; operators and keys that there are count meanwhile",
  );

/** It may have been done: the answer may have been what was lost. */
export const perhapsDone = (what: string, cause: unknown): RoomcastError =>
  new RoomcastError(
    "away",
    `the campus's database went away while ${what} was changed: it may have been done, or not`,
    "look at the list once `roomcast status` shows that the database is there (`roomcast operator list`, `roomcast key list`), and do it again if it was not",
    { cause },
  );

export const takenMeanwhile = (what: string): RoomcastError =>
  new RoomcastError(
    "conflict",
    `another server of the campus has just added, changed or removed ${what}`,
    "look at the list (`roomcast operator list`, `roomcast key list`), and do it again if it is still to be done",
  );
