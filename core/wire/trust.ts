/**
 * Who may have what done at a PC: the PINs of its menu, and what waits for an operator. It is decided by
 * the server; of a PIN nothing but what was typed goes over the wire, and only to the server.
 */
import { type Static, Type } from "typebox";
import { nullable } from "./nullable.ts";

/** What a PIN that was typed lets a PC do: the room's menu PIN, or its instructor's, which allows more. */
export const Right = Type.Union([Type.Literal("menu"), Type.Literal("instructor")]);
export type Right = Static<typeof Right>;

/** The longest PIN that a room can have. */
export const pinLimit = 12;
/** Digits that anyone can type at a PC's menu. */
export const Pin = Type.String({
  pattern: `^[0-9]{4,${pinLimit}}$`,
  description: `4 to ${pinLimit} digits`,
});

/** The person at the PC has typed a PIN: answered by `menu`, and by a notice that says for how long, or when to try again. */
export const Unlock = Type.Object({
  type: Type.Literal("unlock"),
  pin: Type.String({ maxLength: pinLimit }),
});

/** Whether the PC's menu is open: said after `placed`, at each change, and in answer to `unlock`. */
export const MenuState = Type.Object({
  type: Type.Literal("menu"),
  /** The PINs that the room has. The menu is locked where `menu` is true and there is no right. */
  pins: Type.Object({ menu: Type.Boolean(), instructor: Type.Boolean() }),
  /** What the PIN that was typed on this connection allows; null: none was, or it holds no more. */
  right: nullable(Right),
});
export type MenuState = Static<typeof MenuState>;

/** What this PC has requested waits for an operator's yes, in words; null: nothing does any more. */
export const Waiting = Type.Object({
  type: Type.Literal("waiting"),
  what: nullable(Type.String({ maxLength: 1024 })),
});

/** A request that waits for an operator, as the API tells it. */
export const RequestView = Type.Object({
  id: Type.String(),
  pc: Type.String(),
  /** The PC's name, and its room. */
  name: Type.String(),
  room: Type.String(),
  action: Type.Union([
    Type.Literal("restore"),
    Type.Literal("wipe"),
    Type.Literal("capture"),
    Type.Literal("cast"),
  ]),
  /** As in `lab1-a3 asks to …`. */
  what: Type.String(),
  /** A line for each disk that is overwritten; empty: none is. */
  overwrites: Type.Array(Type.String()),
  /** What `overwrite` has to be in the yes: what will be destroyed. Null: nothing will. */
  word: nullable(Type.String()),
  askedAt: Type.String(),
  endsAt: Type.String(),
});
export type RequestView = Static<typeof RequestView>;
