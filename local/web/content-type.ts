/** The media types of a site's files, by their endings. */
const types: Readonly<Record<string, string>> = {
  '.css': 'text/css',
  '.html': 'text/html',
  '.ico': 'image/vnd.microsoft.icon',
  '.js': 'text/javascript',
  '.json': 'application/json',
  '.mjs': 'text/javascript',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain',
  '.webmanifest': 'application/manifest+json',
  '.woff2': 'font/woff2',
};

/** @returns `application/octet-stream` for any other ending */
export function contentTypeOf(path: string): string {
  return types[/\.[^./]+$/.exec(path)?.[0] ?? ''] ?? 'application/octet-stream';
}
