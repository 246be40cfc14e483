/** The page's head: its name, its language, and who is signed in. */
import { UploadIcon } from './icons';
import { usePage } from './page-context';
import { languages, type Language } from './language';

export function Header({ email, onSignOut }: { readonly email?: string; readonly onSignOut?: () => void }) {
  const { texts, settings } = usePage();
  return (
    <header class="header">
      <span class="brand">
        <span class="logo">
          <UploadIcon />
        </span>
        {settings.title ?? texts.title}
      </span>
      <LanguageSwitch />
      {onSignOut !== undefined && (
        <div class="account">
          <span class="email" title={texts.signedInAs(email ?? '')}>
            {email}
          </span>
          <button type="button" class="quiet" onClick={onSignOut}>
            {texts.signOut}
          </button>
        </div>
      )}
    </header>
  );
}

function LanguageSwitch() {
  const { texts, language, setLanguage } = usePage();
  return (
    <div class="languages" role="group" aria-label={texts.language}>
      {(Object.keys(languages) as Language[]).map((name) => (
        <button
          type="button"
          key={name}
          lang={name}
          class="quiet"
          aria-pressed={name === language}
          onClick={() => setLanguage(name)}
        >
          {languages[name]}
        </button>
      ))}
    </div>
  );
}
