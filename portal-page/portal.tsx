/** What a signed-in visitor sees: where files come from, and the files. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Api } from './api';
import { SendingCard, UploadCard } from './cards';
import { DropZone } from './drop-zone';
import { Header } from './header';
import { usePage } from './page-context';
import type { Session } from './session';
import type { Uploads, UploadsState } from './uploads';

export function Portal({
  session,
  api,
  uploads,
}: {
  readonly session: Session;
  readonly api: Api;
  readonly uploads: Uploads;
}) {
  const { texts } = usePage();
  const state = useUploads(uploads);
  const onItsWay = new Set(state.sending.map(({ id }) => id));
  const shown = state.uploads.filter(({ id }) => !onItsWay.has(id));
  const isEmpty = state.isLoaded && shown.length === 0 && state.sending.length === 0;
  return (
    <>
      <a class="skip" href="#uploads">
        {texts.skipToUploads}
      </a>
      <Header email={session.email} onSignOut={() => void session.signOut()} />
      <main class="portal">
        <h1 class="unseen">{texts.title}</h1>
        <DropZone onFiles={(files) => files.forEach((file) => void uploads.add(file))} />
        <section id="uploads" tabIndex={-1} aria-labelledby="uploads-title">
          <h2 id="uploads-title">{texts.yourUploads}</h2>
          {state.isOffline && (
            <p class="problem" role="status">
              {texts.offline}
            </p>
          )}
          {!state.isLoaded && !state.isOffline && <p class="hint">{texts.loading}</p>}
          {isEmpty && <p class="empty">{texts.noUploads}</p>}
          <ul class="cards">
            {state.sending.map((sending) => (
              <SendingCard key={sending.id} sending={sending} uploads={uploads} />
            ))}
            {shown.map((upload) => (
              <UploadCard key={upload.id} upload={upload} uploads={uploads} api={api} />
            ))}
          </ul>
          {state.hasMore && (
            <button type="button" class="secondary" onClick={() => void uploads.showOlder()}>
              {texts.showOlder}
            </button>
          )}
        </section>
        <Announcements state={state} />
      </main>
    </>
  );
}

function useUploads(uploads: Uploads): UploadsState {
  const [state, setState] = useState(uploads.state);
  useEffect(() => {
    const stop = uploads.subscribe(() => setState(uploads.state));
    uploads.pollSoon();
    return stop;
  }, [uploads]);
  return state;
}

/** Says aloud what changes, for people who do not see it: states only, not every byte. */
function Announcements({ state }: { readonly state: UploadsState }) {
  const { texts } = usePage();
  const known = useRef(new Map<string, string>());
  const changed = state.uploads.filter((upload) => {
    const before = known.current.get(upload.id);
    return before !== undefined && before !== upload.state;
  });
  const [text, setText] = useState('');
  useEffect(() => {
    known.current = new Map(state.uploads.map((upload) => [upload.id, upload.state]));
    if (changed.length === 0) return;
    setText(changed.map(({ fileName, state: name }) => texts.announcement(fileName, texts.states[name])).join('. '));
  });
  return (
    <p class="unseen" aria-live="polite">
      {text}
    </p>
  );
}
