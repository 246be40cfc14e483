/** Instances that process attachments by a function instead of bash, for tests that send them by the thousand: the text is the file's, the
 * preview shows it. Where and how results are stored is as the library's document says: files first, their manifest last. */
import { createHash } from 'node:crypto';
import type { Simulation } from 'cdk-object-workflow/local';

/** What the command makes of a text. */
export function resultsOf(content: string): Readonly<Record<'preview.svg' | 'text.txt', string>> {
  return { 'preview.svg': `<svg>${content}</svg>`, 'text.txt': content };
}

/** Answers the commands of a simulation that are about texts; others run as ever. */
export function processQuickly(simulation: Simulation): void {
  simulation.services.ssm.commands.answer(async ({ parameters }) => {
    const decode = (name: string): string => Buffer.from(parameters[name]![0]!, 'base64').toString('utf8');
    const environment = Object.fromEntries(
      decode('Environment')
        .split('\0')
        .map((entry) => entry.split(/=(.*)/s, 2) as [string, string]),
    );
    if (environment['OBJECT_CONTENT_TYPE'] !== 'text/plain') return undefined;
    const { Body } = await simulation.call('s3', 'GetObject', {
      Bucket: environment['OBJECT_BUCKET'],
      Key: environment['OBJECT_KEY'],
      VersionId: environment['OBJECT_VERSION'],
    });
    const [, Bucket, prefix] = /^s3:\/\/([^/]+)\/(.*)$/.exec(decode('ResultsLocation'))!;
    const put = async (name: string, content: string): Promise<string> => {
      const sha256 = createHash('sha256').update(content).digest('base64');
      await simulation.call('s3', 'PutObject', {
        ...{ Bucket, Key: `${prefix}${name}`, Body: Buffer.from(content), ChecksumSHA256: sha256 },
      });
      return sha256;
    };
    const lines: string[] = [];
    for (const [path, content] of Object.entries(resultsOf(Buffer.from(Body as Uint8Array).toString('utf8')))) {
      const sha256 = await put(`files/${path}`, content);
      lines.push(`${sha256}\t${Buffer.byteLength(content)}\t${Buffer.from(path).toString('base64')}\n`);
    }
    await put('manifest.tsv', lines.join(''));
    return { durationMs: 1_000 };
  });
}
