/** Starts the page: reads what it must know, finds out who is signed in, and shows what they may see. */
import { render } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { Api } from './api';
import { PageContext } from './page-context';
import { Portal } from './portal';
import { Session } from './session';
import { loadSettings, type PageSettings } from './settings';
import { SignIn } from './sign-in';
import { initialLanguage, rememberLanguage, textsIn, type Language } from './language';
import { Uploads } from './uploads';

function Page({
  settings,
  session,
  startsSignedIn,
}: {
  readonly settings: PageSettings;
  readonly session: Session;
  readonly startsSignedIn: boolean;
}) {
  const [language, setLanguage] = useState<Language>(initialLanguage);
  const [isSignedIn, setSignedIn] = useState(startsSignedIn);
  const [{ api, uploads }] = useState(() => {
    const calls = new Api(settings.api, session, () => setSignedIn(false));
    return { api: calls, uploads: new Uploads(calls) };
  });
  useEffect(() => {
    document.documentElement.lang = language;
    document.title = settings.title ?? textsIn(language).title;
  }, [language, settings.title]);
  const choose = (chosen: Language): void => {
    rememberLanguage(chosen);
    setLanguage(chosen);
  };
  return (
    <PageContext.Provider value={{ settings, language, setLanguage: choose }}>
      {isSignedIn ? (
        <Portal session={session} api={api} uploads={uploads} />
      ) : (
        <SignIn onSignIn={() => void session.signIn()} />
      )}
    </PageContext.Provider>
  );
}

async function start(root: HTMLElement): Promise<void> {
  try {
    const settings = await loadSettings();
    const session = new Session(settings);
    const startsSignedIn = await session.resume();
    render(<Page settings={settings} session={session} startsSignedIn={startsSignedIn} />, root);
  } catch (error) {
    const language = initialLanguage();
    document.documentElement.lang = language;
    render(
      <main class="welcome">
        <p role="alert">{textsIn(language).broken}</p>
      </main>,
      root,
    );
    throw error;
  }
}

void start(document.getElementById('page')!);
