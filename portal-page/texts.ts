/** Everything that the page says, in each of its languages: a text that one of them lacks does not compile. */
import type { UploadState } from '../tasks/portal/messages';
import { english } from './texts-english';
import { portuguese } from './texts-portuguese';

export interface Texts {
  readonly title: string;
  readonly skipToUploads: string;
  readonly language: string;
  readonly welcome: string;
  readonly promise: string;
  readonly promises: readonly { readonly title: string; readonly text: string }[];
  readonly signIn: string;
  readonly signOut: string;
  readonly signedInAs: (email: string) => string;
  readonly loading: string;
  readonly broken: string;
  readonly dropTitle: string;
  readonly dropOr: string;
  readonly chooseFiles: string;
  readonly dropNow: string;
  readonly accepted: (facts: { readonly suffix: string; readonly maximum: string }) => string;
  readonly yourUploads: string;
  readonly noUploads: string;
  readonly showOlder: string;
  readonly offline: string;
  readonly sending: (sent: string, total: string) => string;
  readonly sendingLabel: (fileName: string) => string;
  readonly announcing: string;
  readonly cancel: (fileName: string) => string;
  readonly interrupted: string;
  readonly tryAgain: (fileName: string) => string;
  readonly refused: string;
  readonly dismiss: (fileName: string) => string;
  readonly chooseAgain: string;
  readonly chooseAgainHint: string;
  readonly notTheSame: string;
  readonly states: Readonly<Record<UploadState, string>>;
  readonly explanations: Readonly<Partial<Record<UploadState, string>>>;
  readonly steps: readonly [string, string, string, string, string];
  readonly stepsLabel: string;
  readonly stepDone: string;
  readonly stepNow: string;
  readonly rejectedTitle: string;
  readonly failedTitle: string;
  readonly failedText: (error: string) => string;
  readonly reference: (id: string) => string;
  readonly results: (count: string) => string;
  readonly showResults: string;
  readonly moreResults: string;
  readonly download: (path: string) => string;
  readonly downloadFailed: string;
  readonly reasons: Readonly<Record<string, (facts: { readonly suffix: string; readonly maximum: string }) => string>>;
  readonly announcement: (fileName: string, state: string) => string;
}

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
