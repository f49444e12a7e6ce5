/** The pages of the menu, and what can be chosen on them. */
import type { DiskView, ImageView } from "../../core/wire/views.ts";
import type { WipeMethod } from "./view.ts";

/** What has to be typed before a disk is overwritten; the same in every language, as the documents have it. */
export const eraseWord = "ERASE";

export type Page =
  | { readonly name: "home"; readonly chosen: number; readonly said: string | null }
  | { readonly name: "wait" }
  /** `beyond`: what can be asked for without the PIN, by its letter. */
  | { readonly name: "pin"; readonly value: string; readonly beyond: AskLetter | null }
  | { readonly name: "images"; readonly chosen: number }
  /** In a locked menu an image is named, since nobody has shown that they may see the list. */
  | { readonly name: "imageName"; readonly value: string }
  | { readonly name: "disks"; readonly chosen: number; readonly purpose: Purpose }
  | { readonly name: "methods"; readonly chosen: number }
  | { readonly name: "exits"; readonly chosen: number }
  | { readonly name: "hardware" }
  | { readonly name: "check" }
  | {
      readonly name: "erase";
      readonly work: Work;
      readonly disk: DiskView;
      readonly value: string;
      readonly refused: boolean;
    }
  | {
      readonly name: "capture";
      readonly disk: DiskView;
      readonly value: string;
      readonly refused: boolean;
    }
  /** This PC's disk is cast to the room: first the image's name, if any, then the word. */
  | {
      readonly name: "castName";
      readonly disk: DiskView;
      readonly value: string;
      readonly refused: boolean;
    }
  | {
      readonly name: "cast";
      readonly disk: DiskView;
      readonly saveAs: string | null;
      readonly value: string;
      readonly refused: boolean;
    }
  | { readonly name: "power"; readonly action: PowerAction }
  | { readonly name: "stop" };

/** What overwrites a disk. */
export type Work =
  /** `reference`: NAME or NAME@VERSION; `image` is null where it was typed and is not known here. */
  | { readonly kind: "restore"; readonly reference: string; readonly image: ImageView | null }
  | { readonly kind: "wipe"; readonly method: WipeMethod };

export type Purpose = { readonly kind: "capture" } | { readonly kind: "cast" } | Work;

export type PowerAction = "reboot" | "poweroff" | "boot-disk";

/** The items of the menu: a number, a letter, or arrows and Enter choose one; the text is `item.LETTER`. */
export const items = ["w", "r", "c", "t", "e", "n", "h", "s", "x"] as const;

/** What an operator can say yes to, where nobody knows the PIN. */
const askLetters = ["r", "c", "t", "e"] as const;
export type AskLetter = (typeof askLetters)[number];
export const isAskLetter = (letter: string): letter is AskLetter =>
  askLetters.some((each) => each === letter);

/** The ways out; their letters also work on the first page, and the text is `exit.LETTER`. */
export const exits = [
  { letter: "l", action: "boot-disk" },
  { letter: "b", action: "reboot" },
  { letter: "p", action: "poweroff" },
] as const satisfies readonly { letter: string; action: PowerAction }[];

export const home = (chosen = 0, said: string | null = null): Page => ({
  name: "home",
  chosen,
  said,
});
