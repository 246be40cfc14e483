/** One card for each file: what is being sent, and what the workflow makes of it. */
import { useRef, useState } from 'preact/hooks';
import type { Upload } from '../tasks/portal/messages';
import type { Api } from './api';
import { formatBytes, formatInstant } from './format';
import { CheckIcon, CrossIcon, FileIcon, WarningIcon } from './icons';
import { Journey } from './journey';
import { usePage } from './page-context';
import { Reasons } from './reasons';
import { Results } from './results';
import type { Sending, Uploads } from './uploads';

/** A file on its way from this page, or one that was refused. */
export function SendingCard({ sending, uploads }: { readonly sending: Sending; readonly uploads: Uploads }) {
  const { texts, language } = usePage();
  const { id, file, sentBytes, phase, reasons } = sending;
  const isOnItsWay = phase === 'announcing' || phase === 'sending';
  return (
    <li class={`card ${phase}`}>
      <div class="card-head">
        {isOnItsWay ? <FileIcon /> : <WarningIcon />}
        <h3>{file.name}</h3>
        <button
          type="button"
          class="quiet close"
          aria-label={isOnItsWay ? texts.cancel(file.name) : texts.dismiss(file.name)}
          onClick={() => (phase === 'refused' ? uploads.dismiss(id) : void uploads.remove(id))}
        >
          <CrossIcon />
        </button>
      </div>
      {isOnItsWay && (
        <div class="progress">
          <progress max={Math.max(1, file.size)} value={sentBytes} aria-label={texts.sendingLabel(file.name)} />
          <span class="hint">
            {phase === 'announcing'
              ? texts.announcing
              : texts.sending(formatBytes(sentBytes, language), formatBytes(file.size, language))}
          </span>
        </div>
      )}
      {phase === 'interrupted' && (
        <div class="problem" role="alert">
          <p>{texts.interrupted}</p>
          <button type="button" class="secondary" onClick={() => uploads.retry(sending)}>
            {texts.tryAgain(file.name)}
          </button>
        </div>
      )}
      {phase === 'refused' && (
        <div class="problem" role="alert">
          <p>{texts.refused}</p>
          <Reasons reasons={reasons} />
        </div>
      )}
    </li>
  );
}

/** An upload as the API describes it. */
export function UploadCard({
  upload,
  uploads,
  api,
}: {
  readonly upload: Upload;
  readonly uploads: Uploads;
  readonly api: Api;
}) {
  const { texts, language } = usePage();
  const { id, state, fileName, sizeBytes, createdAt } = upload;
  const explanation = texts.explanations[state];
  const isUnsent = state === 'AWAITING' || state === 'EXPIRED';
  return (
    <li class={`card ${state.toLowerCase()}`} data-state={state}>
      <div class="card-head">
        {state === 'STORED' ? (
          <CheckIcon />
        ) : state === 'REJECTED' || state === 'FAILED' ? (
          <WarningIcon />
        ) : (
          <FileIcon />
        )}
        <h3>{fileName}</h3>
        <span class="state">{texts.states[state]}</span>
        {isUnsent && (
          <button
            type="button"
            class="quiet close"
            aria-label={texts.dismiss(fileName)}
            onClick={() => void uploads.remove(id)}
          >
            <CrossIcon />
          </button>
        )}
      </div>
      <p class="hint">
        {formatBytes(sizeBytes, language)} · <time dateTime={createdAt}>{formatInstant(createdAt, language)}</time>
      </p>
      <Journey state={state} />
      {explanation !== undefined && !(state === 'AWAITING' && upload.parts) && <p class="hint">{explanation}</p>}
      {state === 'AWAITING' && upload.parts !== undefined && <Resume upload={upload} uploads={uploads} />}
      {state === 'REJECTED' && (
        <div class="problem">
          <p>{texts.rejectedTitle}</p>
          <Reasons reasons={upload.reasons ?? []} />
        </div>
      )}
      {state === 'FAILED' && (
        <div class="problem">
          <p>{texts.failedTitle}</p>
          <p class="plain">{texts.failedText(upload.failure?.error ?? '')}</p>
          <p class="hint">{texts.reference(id)}</p>
        </div>
      )}
      {upload.results !== undefined && upload.results.fileCount > 0 && <Results upload={upload} api={api} />}
    </li>
  );
}

/** Takes up an upload that was interrupted: a page cannot open the file again by itself. */
function Resume({ upload, uploads }: { readonly upload: Upload; readonly uploads: Uploads }) {
  const { texts } = usePage();
  const input = useRef<HTMLInputElement>(null);
  const [isOther, setOther] = useState(false);
  const take = async (): Promise<void> => {
    const file = input.current?.files?.[0];
    if (file !== undefined) setOther(!(await uploads.resume(upload, file)));
  };
  return (
    <div class="problem">
      <p class="plain">{texts.chooseAgainHint}</p>
      <button type="button" class="secondary" onClick={() => input.current!.click()}>
        {texts.chooseAgain}
      </button>
      <input ref={input} type="file" hidden onChange={() => void take()} />
      {isOther && <p role="alert">{texts.notTheSame}</p>}
    </div>
  );
}
