/** Where files come from: dropped anywhere on the page, or chosen. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { UploadIcon } from './icons';
import { usePage } from './page-context';

export function DropZone({ onFiles }: { readonly onFiles: (files: readonly File[]) => void }) {
  const { texts, settings, accepted } = usePage();
  const isOver = useDroppedFiles(onFiles);
  const input = useRef<HTMLInputElement>(null);
  const choose = (): void => {
    const chosen = input.current!;
    onFiles([...(chosen.files ?? [])]);
    // The same file may be chosen again.
    chosen.value = '';
  };
  const { suffix, contentTypes } = settings.accepts;
  return (
    <section class={isOver ? 'drop over' : 'drop'} aria-labelledby="drop-title">
      <UploadIcon />
      <h2 id="drop-title">{isOver ? texts.dropNow : texts.dropTitle}</h2>
      <p class="or">{texts.dropOr}</p>
      <button type="button" class="primary" onClick={() => input.current!.click()} aria-describedby="drop-accepted">
        {texts.chooseFiles}
      </button>
      <input
        ref={input}
        type="file"
        multiple
        hidden
        accept={suffix === undefined ? contentTypes.join(',') : suffix}
        onChange={choose}
      />
      <p id="drop-accepted" class="hint">
        {texts.accepted(accepted)}
      </p>
    </section>
  );
}

/** Files may be dropped on the whole window: a browser would leave the page for a file that misses.
 * @returns whether somebody holds files over the window */
function useDroppedFiles(onFiles: (files: readonly File[]) => void): boolean {
  const [isOver, setOver] = useState(false);
  const receive = useRef(onFiles);
  receive.current = onFiles;
  useEffect(() => {
    const abort = new AbortController();
    const { signal } = abort;
    const over = (event: DragEvent): void => {
      if (event.dataTransfer?.types.includes('Files') !== true) return;
      event.preventDefault();
      setOver(true);
    };
    const leave = (event: DragEvent): void => {
      if (event.relatedTarget === null) setOver(false);
    };
    const drop = (event: DragEvent): void => {
      event.preventDefault();
      setOver(false);
      const files = [...(event.dataTransfer?.files ?? [])];
      if (files.length > 0) receive.current(files);
    };
    window.addEventListener('dragover', over, { signal });
    window.addEventListener('dragleave', leave, { signal });
    window.addEventListener('drop', drop, { signal });
    return () => abort.abort();
  }, []);
  return isOver;
}
