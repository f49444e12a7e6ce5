import { en, type ScreenKey } from "./en.ts";
import { type Speech, speak } from "./speech.ts";

/** How the command line, the logs and the API speak; and a screen of which nobody has said otherwise. */
export const english: Speech<ScreenKey> = speak("en", en, {});

/** What a text of `core/screen` is said by. */
export type ScreenSpeech = Speech<ScreenKey>;
