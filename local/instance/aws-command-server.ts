/** Runs the `aws` commands of simulated instances in the process that simulates them, for scripts that ask through aws-command.sh:
 * Node takes longer to start than a command takes to run. */
import { randomBytes, timingSafeEqual } from 'node:crypto';
import { existsSync, lstatSync, realpathSync } from 'node:fs';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { environmentNames, OutOfReach, run } from './aws-command.cjs';
import { quote } from './shell-quote';

/** Set for each script: by this, the server knows whose a call is. */
export const scriptVariable = 'AWS_STAND_IN_SCRIPT';

/** Listens on 127.0.0.1, refuses whoever has not read the token in an instance's folder, and keeps no process alive. */
export class AwsCommandServer {
  // eslint-disable-next-line no-restricted-syntax -- A secret that follows from the seed is none, and no history tells it.
  private readonly token = randomBytes(32).toString('hex');
  private server: Promise<Server> | undefined;
  private readonly connections = new Set<Connection>();
  private callCount = 0;

  /** The `aws` command of an instance, as text of an executable file. The server listens from the first one on. */
  async executable(): Promise<string> {
    const alone = [process.execPath, join(__dirname, 'aws-command.cjs')].map(quote).join(' ');
    // Without bash, or with none in this place, nothing but time is lost.
    if (!existsSync('/bin/bash')) return `#!/bin/sh\nexec ${alone} "$@"\n`;
    this.server ??= listen((socket) => this.accept(socket));
    const { port } = (await this.server).address() as AddressInfo;
    return [
      '#!/bin/bash -p', // Not to be changed by what a script exports: BASH_ENV, functions.
      `port=${port} token=${this.token} alone=(${alone})`,
      `environment=(${sentNames.map((name) => `"\${${name}+${name}=$${name}}"`).join(' ')})`,
      `. ${quote(join(__dirname, 'aws-command.sh'))}`,
      '',
    ].join('\n');
  }

  /** Ends the calls of a script that was killed, as that ends a process: its connections break a moment later only. */
  endCallsOf(script: string): void {
    for (const connection of this.connections)
      if (connection.request?.environment[scriptVariable] === script) end(connection);
  }

  close(): void {
    this.connections.forEach(end);
    // Whoever waits for a server that cannot listen is told why.
    this.server?.then((server) => server.close()).catch(() => undefined);
    this.server = undefined;
  }

  private accept(socket: Socket): void {
    const connection: Connection = { socket: socket.unref(), ended: new AbortController(), request: undefined };
    this.connections.add(connection);
    socket.on('close', () => {
      this.connections.delete(connection);
      connection.ended.abort();
    });
    // Whoever is killed resets the connection, and `close` follows.
    socket.on('error', () => undefined);
    let received: Buffer = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => {
      if (connection.request !== undefined) return;
      received = Buffer.concat([received, chunk]);
      if (!this.mayHaveToken(received)) return end(connection);
      connection.request = readRequest(received);
      if (connection.request !== undefined) void this.serve(connection, connection.request);
    });
  }

  private mayHaveToken(received: Buffer): boolean {
    const expected = Buffer.from(`${this.token}\0`).subarray(0, received.length);
    return timingSafeEqual(received.subarray(0, expected.length), expected);
  }

  private async serve({ socket, ended }: Connection, { directory, words, environment, umask }: Request): Promise<void> {
    const write = (stream: 1 | 2, text: string): unknown => socket.write(`${stream}${escapeText(text)}\n`);
    const id = `${process.pid.toString(16)}-${++this.callCount}`;
    try {
      // Files are made with this process's umask, which only takes rights away.
      if ((process.umask() & ~umask) !== 0) throw new OutOfReach();
      const exitCode = await run({
        words,
        environment,
        locate: (file) => locate(directory, file),
        umask,
        id,
        output: { write: (text) => write(1, text) },
        // What a script names without its folder, an error names so.
        errors: { write: (text) => write(2, text.replaceAll(`${directory}${mark}`, '')) },
        streams: () => {
          throw new OutOfReach();
        },
        signal: ended.signal,
      });
      socket.end(`exit ${exitCode}\n`);
    } catch (error) {
      if (!(error instanceof OutOfReach)) throw error;
      socket.end('alone\n');
    }
  }
}

interface Connection {
  readonly socket: Socket;
  readonly ended: AbortController;
  request: Request | undefined;
}

/** What a script asks for, and from where. */
interface Request {
  readonly directory: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly words: readonly string[];
  readonly umask: number;
}

const lineEnd = 0x0a;
const sentNames = [...environmentNames, scriptVariable];

/** Stands between a script's folder and a file that it names from there: changes nothing, and is found again in messages. */
const mark = '/././';

function listen(accept: (socket: Socket) => void): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer({ noDelay: true }, accept).unref();
    server.once('error', reject).listen(0, '127.0.0.1', () => resolve(server));
  });
}

/** At once: what it has not yet asked of S3, it does not ask any more. */
function end({ socket, ended }: Connection): void {
  ended.abort();
  socket.destroy();
}

/** The token, the folder, the environment, how many words there are and the words, each with NUL behind it; then the umask on a line.
 * @returns undefined while something is missing */
function readRequest(received: Buffer): Request | undefined {
  if (received.at(-1) !== lineEnd) return undefined;
  const fields: string[] = [];
  let start = 0;
  for (let stop; (stop = received.indexOf(0, start)) >= 0; start = stop + 1)
    fields.push(received.toString('utf8', start, stop));
  const [, directory = '', ...rest] = fields;
  const entries = rest.slice(0, sentNames.length);
  const [wordCount, ...words] = rest.slice(sentNames.length);
  if (words.length !== Number(wordCount) || start === received.length) return undefined;
  const environment = entries.filter((entry) => entry !== '').map((entry) => entry.split(/=(.*)/s, 2));
  return {
    directory,
    environment: Object.fromEntries(environment) as Record<string, string>,
    words,
    umask: Number.parseInt(received.toString('latin1', start), 8),
  };
}

/** Where this process finds a file of a script. What would be another file here is out of reach, and so is what could keep this process
 * waiting: pipes and devices, and links, which may lead to them. */
function locate(directory: string, file: string): string {
  if (file === '' || file === '/dev/null') return file;
  // A folder is sent as its bytes, and need not be UTF-8.
  if (!isAbsolute(file) && (!isAbsolute(directory) || directory.includes('\uFFFD'))) throw new OutOfReach();
  const place = isAbsolute(file) ? file : `${directory}${mark}${file}`;
  const belongsToProcess = [resolve(place), realFolderOf(place)].some((path) => /^\/(proc|dev\/fd)(\/|$)/.test(path));
  if (belongsToProcess || !isPlain(place)) throw new OutOfReach();
  return place;
}

/** What cannot be looked up is nowhere: the command finds that out as well, and says it. */
function realFolderOf(place: string): string {
  try {
    return realpathSync.native(dirname(place));
  } catch {
    return '';
  }
}

function isPlain(place: string): boolean {
  try {
    const found = lstatSync(place, { throwIfNoEntry: false });
    return found === undefined || found.isFile() || found.isDirectory();
  } catch {
    return true;
  }
}

/** As `printf %b` reads it: only printable ASCII stands for itself. */
function escapeText(text: string): string {
  const bytes = Buffer.from(text).toString('latin1');
  return bytes.replace(/[^ -[\]-~]/g, (byte) => `\\0${byte.charCodeAt(0).toString(8).padStart(3, '0')}`);
}
