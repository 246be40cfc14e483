/** What somebody sees who is not signed in. */
import { Header } from './header';
import { PathIcon, DownloadIcon, ShieldIcon } from './icons';
import { usePage } from './page-context';

const pictures = [ShieldIcon, PathIcon, DownloadIcon];

export function SignIn({ onSignIn }: { readonly onSignIn: () => void }) {
  const { texts } = usePage();
  return (
    <>
      <Header />
      <main class="welcome">
        <h1>{texts.welcome}</h1>
        <p class="lead">{texts.promise}</p>
        <button type="button" class="primary large" onClick={onSignIn}>
          {texts.signIn}
        </button>
        <ul class="promises">
          {texts.promises.map(({ title, text }, index) => {
            const Picture = pictures[index]!;
            return (
              <li key={title}>
                <Picture />
                <h2>{title}</h2>
                <p>{text}</p>
              </li>
            );
          })}
        </ul>
      </main>
    </>
  );
}
