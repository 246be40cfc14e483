/** Which language the page speaks: the visitor's choice, else the browser's. */
import type { Texts } from './texts';
import { english } from './texts-english';
import { portuguese } from './texts-portuguese';

export const languages = { en: 'English', 'pt-BR': 'Português' } as const;
export type Language = keyof typeof languages;

const catalogues: Readonly<Record<Language, Texts>> = { en: english, 'pt-BR': portuguese };
const storageKey = 'language';

export function textsIn(language: Language): Texts {
  return catalogues[language];
}

/** The visitor's choice, or the first of the browser's languages that there is. */
export function initialLanguage(): Language {
  const chosen = window.localStorage.getItem(storageKey);
  if (chosen !== null && chosen in languages) return chosen as Language;
  const preferred = navigator.languages.map((name) => name.toLowerCase().split('-')[0]);
  return preferred.find((name) => name === 'pt' || name === 'en') === 'pt' ? 'pt-BR' : 'en';
}

export function rememberLanguage(language: Language): void {
  window.localStorage.setItem(storageKey, language);
}
