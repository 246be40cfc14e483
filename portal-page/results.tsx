/** The results of one upload, each to be downloaded. */
import { useState } from 'preact/hooks';
import type { ResultPage, Upload } from '../tasks/portal/messages';
import type { Api } from './api';
import { formatBytes } from './format';
import { DownloadIcon } from './icons';
import { usePage } from './page-context';

export function Results({ upload, api }: { readonly upload: Upload; readonly api: Api }) {
  const { texts, language } = usePage();
  const [page, setPage] = useState<ResultPage>();
  const [hasFailed, setFailed] = useState(false);
  const attempt = (work: () => Promise<void>): void => {
    setFailed(false);
    work().catch(() => setFailed(true));
  };
  const show = (): void =>
    attempt(async () => {
      const more = await api.results(upload.id, page?.next);
      setPage({ ...more, files: [...(page?.files ?? []), ...more.files] });
    });
  const download = (index: number): void =>
    attempt(async () => {
      const { address } = await api.resultAddress(upload.id, index);
      const link = document.createElement('a');
      link.href = address;
      link.click();
    });
  return (
    <div class="results">
      {page === undefined ? (
        <button type="button" class="secondary" onClick={show}>
          {texts.results(new Intl.NumberFormat(language).format(upload.results?.fileCount ?? 0))}
        </button>
      ) : (
        <ul>
          {page.files.map(({ index, path, sizeBytes }) => (
            <li key={index}>
              <button type="button" class="result" onClick={() => download(index)}>
                <DownloadIcon />
                <span class="unseen">{texts.download} </span>
                <span class="path">{path}</span>
                <span class="hint">{formatBytes(sizeBytes, language)}</span>
              </button>
            </li>
          ))}
        </ul>
      )}
      {page?.next !== undefined && (
        <button type="button" class="quiet" onClick={show}>
          {texts.moreResults}
        </button>
      )}
      {hasFailed && (
        <p class="problem" role="alert">
          {texts.downloadFailed}
        </p>
      )}
    </div>
  );
}
