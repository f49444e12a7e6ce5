/** How the console speaks, in each language. */
import type { StateWord } from "../../core/screen/pc-state.ts";
import type { Language } from "../../core/wire/language.ts";
import type { PcState } from "../../core/wire/views.ts";
import { type ScreenWords, en as screenEn } from "../../core/words/en.ts";
import { es as screenEs } from "../../core/words/es.ts";
import { fr as screenFr } from "../../core/words/fr.ts";
import { pt as screenPt } from "../../core/words/pt.ts";
import { type Speech, speak } from "../../core/words/speech.ts";
import { told as toldEs } from "../../core/words/told/es.ts";
import { told as toldFr } from "../../core/words/told/fr.ts";
import { told as toldPt } from "../../core/words/told/pt.ts";
import { type ConsoleWords, en } from "./words/en.ts";
import { es } from "./words/es.ts";
import { fr } from "./words/fr.ts";
import { pt } from "./words/pt.ts";

export type ConsoleKey = keyof ScreenWords | keyof ConsoleWords;
export type ConsoleSpeech = Speech<ConsoleKey>;

const speeches: Readonly<Record<Language, ConsoleSpeech>> = {
  en: speak("en", { ...screenEn, ...en }, {}),
  fr: speak("fr", { ...screenFr, ...fr }, toldFr),
  es: speak("es", { ...screenEs, ...es }, toldEs),
  pt: speak("pt", { ...screenPt, ...pt }, toldPt),
};

export const speechOf = ({ language }: { readonly language: Language }): ConsoleSpeech =>
  speeches[language];

/** What a PC is, in a word. */
export const wordText = (word: StateWord, { t }: ConsoleSpeech): string => {
  switch (word) {
    case "VERIFIED":
    case "CAPTURED":
    case "WIPED":
    case "FAILED":
    case "STOPPED":
    case "CAME UP":
    case "NOT UP":
    case "NEW":
    case "WHICH ONE?":
    case "DOUBT":
    case "REVOKED":
      return t(`cap.${word}`);
    default:
      return t(`state.${word}`);
  }
};

/** A state as the API has its word: a PC that is off is `offline`. */
export const stateText = (state: PcState, { t }: ConsoleSpeech): string =>
  t(state === "offline" ? "state.offline" : `state.${state}`);
