/** What every part of the page needs: its language, its texts and what files are accepted. */
import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import { formatBytes } from './format';
import type { PageSettings } from './settings';
import { textsIn, type Language } from './language';
import type { Texts } from './texts';

export interface PageContextValue {
  readonly settings: PageSettings;
  readonly language: Language;
  readonly setLanguage: (language: Language) => void;
}

export const PageContext = createContext<PageContextValue | undefined>(undefined);

/** What is accepted, in the visitor's words. */
export interface AcceptedFacts {
  readonly suffix: string;
  readonly maximum: string;
}

export function usePage(): PageContextValue & { readonly texts: Texts; readonly accepted: AcceptedFacts } {
  const page = useContext(PageContext)!;
  const { suffix = '', maximumBytes } = page.settings.accepts;
  const maximum = maximumBytes === undefined ? '' : formatBytes(maximumBytes, page.language);
  return { ...page, texts: textsIn(page.language), accepted: { suffix, maximum } };
}
