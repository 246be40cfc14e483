/** The page's pictures. They repeat what a text beside them says, so nobody has to see them. */
import type { JSX } from 'preact';

function icon(content: JSX.Element): () => JSX.Element {
  return () => (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      {content}
    </svg>
  );
}

export const UploadIcon = icon(<path d="M12 16V4m-5 5 5-5 5 5M4 16v3a1 1 0 0 0 1 1h14a1 1 0 0 0 1-1v-3" />);
export const DownloadIcon = icon(<path d="M12 4v12m-5-5 5 5 5-5M4 19h16" />);
export const CheckIcon = icon(<path d="m5 12.5 4.5 4.5L19 7.5" />);
export const CrossIcon = icon(<path d="m6 6 12 12M18 6 6 18" />);
export const FileIcon = icon(<path d="M6 3h8l5 5v12a1 1 0 0 1-1 1H6a1 1 0 0 1-1-1V4a1 1 0 0 1 1-1Zm8 0v5h5" />);
export const WarningIcon = icon(<path d="M12 4 2.8 20h18.4L12 4Zm0 6v4.5m0 2.7v.1" />);
export const ShieldIcon = icon(<path d="M12 3 5 6v5c0 4.6 3 8.2 7 10 4-1.8 7-5.4 7-10V6l-7-3Zm-3 9 2.2 2.2L15.5 10" />);
export const PathIcon = icon(
  <path d="M6 8a2 2 0 1 0 0-4 2 2 0 0 0 0 4Zm12 12a2 2 0 1 0 0-4 2 2 0 0 0 0 4ZM8 6h7a3 3 0 0 1 0 6H9a3 3 0 0 0 0 6h7" />,
);
