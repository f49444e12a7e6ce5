/** How the menu speaks, in each language. */
import type { Language } from "../../core/wire/language.ts";
import { type ScreenWords, en as screenEn } from "../../core/words/en.ts";
import { es as screenEs } from "../../core/words/es.ts";
import { fr as screenFr } from "../../core/words/fr.ts";
import { pt as screenPt } from "../../core/words/pt.ts";
import { type Speech, speak } from "../../core/words/speech.ts";
import { told as toldEs } from "../../core/words/told/es.ts";
import { told as toldFr } from "../../core/words/told/fr.ts";
import { told as toldPt } from "../../core/words/told/pt.ts";
import { en, type MenuWords } from "./words/en.ts";
import { es } from "./words/es.ts";
import { fr } from "./words/fr.ts";
import { pt } from "./words/pt.ts";

export type MenuKey = keyof ScreenWords | keyof MenuWords;
export type MenuSpeech = Speech<MenuKey>;

const speeches: Readonly<Record<Language, MenuSpeech>> = {
  en: speak("en", { ...screenEn, ...en }, {}),
  fr: speak("fr", { ...screenFr, ...fr }, toldFr),
  es: speak("es", { ...screenEs, ...es }, toldEs),
  pt: speak("pt", { ...screenPt, ...pt }, toldPt),
};

export const speechOf = ({ language }: { readonly language: Language }): MenuSpeech =>
  speeches[language];
