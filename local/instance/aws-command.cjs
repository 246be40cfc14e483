// @ts-check
/** The `aws` command of a simulated instance: the few S3 commands that scripts use, with the AWS CLI's own reading of
 * arguments, exit codes and messages. It is plain JavaScript without dependencies, because it also runs as a process of its own,
 * beside the calls that aws-command-server.ts serves: what a call finds around it comes from `call`, never from the process.
 * Whatever it does not do, it refuses by name. It talks to the endpoint in AWS_ENDPOINT_URL and to nothing else. */
'use strict';

const crypto = require('node:crypto');
const fs = require('node:fs');
const http = require('node:http');
const path = require('node:path');
const { pipeline } = require('node:stream/promises');

/** @typedef {import('./aws-command.cjs').Call} CallFromOutside */
/** Connections are kept between the requests of one call.
 * @typedef {CallFromOutside & { readonly agent: http.Agent }} Call */

/** What a call reads of its environment. */
const environmentNames = [
  'AWS_ENDPOINT_URL',
  'AWS_ACCESS_KEY_ID',
  'AWS_SECRET_ACCESS_KEY',
  'AWS_SESSION_TOKEN',
  'AWS_REGION',
  'AWS_CONFIG_FILE',
  'AWS_STAND_IN_TIME',
];

/** Exit codes of the AWS CLI version 2. */
const exitCodes = { transferFailed: 1, usage: 252, configuration: 253, service: 254, general: 255 };

/** An end with a message, as the CLI ends. */
class CommandError extends Error {
  /** @param {number} exitCode @param {string} message */
  constructor(exitCode, message) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** The end of a call that only a process of the script's own can run, before it has done anything. */
class OutOfReach extends Error {}

/** @param {string} what @returns {never} */
function refuse(what) {
  throw new CommandError(
    exitCodes.usage,
    `${what} is not simulated, at the aws command of a simulated instance\n  fix: use s3 cp, s3 ls, or s3api get-object, head-object, put-object, list-objects-v2; or run this command on AWS`,
  );
}

/** @param {string} message @returns {never} */
function misuse(message) {
  throw new CommandError(exitCodes.usage, message);
}

// ---- Arguments

/** Values that begin with file:// or fileb:// are replaced by the content of that file: for every option, keys and all.
 * @param {Call} call @param {string} option @param {string} value @returns {string} */
function expandParameterFile(call, option, value) {
  const file = /^fileb?:\/\/(.*)$/s.exec(value)?.[1];
  if (file === undefined) return value;
  const place = call.locate(file);
  try {
    // Read as text, with all line ends made one: a carriage return does not survive.
    return fs.readFileSync(place, 'utf8').replace(/\r\n?/g, '\n');
  } catch (error) {
    const { message } = /** @type {Error} */ (error);
    return misuse(`Error parsing parameter '${option}': Unable to load paramfile ${value}: ${message}`);
  }
}

/** @typedef {{ options: Record<string, string>, flags: Set<string>, positionals: string[] }} Arguments */

/** @param {Call} call @param {{ options: string[], flags: string[], plain?: string[] }} known `plain`: options that name a local file.
 * @returns {Arguments} */
function parseArguments(call, known) {
  const words = call.words.slice(2);
  /** @type {Arguments} */
  const parsed = { options: {}, flags: new Set(), positionals: [] };
  const accepted = [...known.options, '--region', '--output'];
  for (let index = 0; index < words.length; index++) {
    const word = /** @type {string} */ (words[index]);
    const [, name = word, joined] = /^(--[^=]+)=(.*)$/s.exec(word) ?? [];
    if (known.flags.includes(word) || word === '--no-cli-pager') parsed.flags.add(word);
    else if (accepted.includes(name)) {
      const value = joined ?? words[++index];
      if (value === undefined) misuse(`aws: error: argument ${name}: expected one argument`);
      parsed.options[name] = known.plain?.includes(name) ? value : expandParameterFile(call, name, value);
    } else if (word.startsWith('-') && word !== '-') misuse(`Unknown options: ${word}`);
    else parsed.positionals.push(word);
  }
  return parsed;
}

/** Options of an s3api command as request members, over what --cli-input-json says.
 * @param {Arguments} parsed @param {string[]} members @returns {Record<string, string>} */
function requestMembers(parsed, members) {
  const json = parsed.options['--cli-input-json'];
  const request = json === undefined ? {} : readJson(json);
  for (const member of members) {
    const value = parsed.options[optionOf(member)];
    if (value !== undefined) request[member] = value;
  }
  const unknown = Object.keys(request).find((member) => !members.includes(member));
  if (unknown !== undefined) refuse(`the member ${unknown} of --cli-input-json`);
  for (const required of ['Bucket', 'Key']) {
    if (members.includes(required) && !request[required]) {
      misuse(`aws: error: the following arguments are required: ${optionOf(required)}`);
    }
  }
  return request;
}

/** @param {string} member @returns {string} */
function optionOf(member) {
  return `--${member.replace(/([a-z])([A-Z])|([A-Z])([A-Z][a-z])/g, '$1$3-$2$4').toLowerCase()}`;
}

/** @param {string} text @returns {Record<string, string>} */
function readJson(text) {
  try {
    return JSON.parse(text);
  } catch (error) {
    return misuse(
      `Error parsing parameter 'cli-input-json': Invalid JSON received. ${/** @type {Error} */ (error).message}`,
    );
  }
}

// ---- Requests

/** @typedef {{ method: string, bucket: string, key?: string, query?: Record<string, string>, headers?: Record<string, string>, file?: string, bytes?: Buffer }} S3Request */

/** RFC 3986, as signatures want it. @param {string} text @returns {string} */
function encode(text) {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** @param {Call} call @param {S3Request} request @returns {Promise<http.IncomingMessage>} */
async function send(call, request) {
  const { AWS_ENDPOINT_URL: endpoint, AWS_ACCESS_KEY_ID: accessKeyId } = call.environment;
  if (!endpoint || !accessKeyId) {
    throw new CommandError(
      exitCodes.configuration,
      'Unable to locate credentials. You can configure credentials by running "aws configure".',
    );
  }
  for (let attempt = 1; ; attempt++) {
    const response = await sendOnce(call, request, new URL(endpoint));
    const mayPass = response.statusCode === undefined || response.statusCode >= 500;
    if (!mayPass || attempt === 3) return response;
    response.resume();
  }
}

/** @param {Call} call @param {S3Request} request @param {URL} endpoint @returns {Promise<http.IncomingMessage>} */
function sendOnce(call, request, endpoint) {
  const target = `/${encode(request.bucket)}${request.key === undefined ? '' : `/${request.key.split('/').map(encode).join('/')}`}`;
  const query = Object.entries(request.query ?? {})
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .sort()
    .join('&');
  const length = request.file === undefined ? (request.bytes?.length ?? 0) : fs.statSync(request.file).size;
  const headers = sign(call.environment, request.method, target, query, {
    ...request.headers,
    host: endpoint.host,
    ...(request.method === 'PUT' ? { 'content-length': String(length) } : {}),
  });
  return new Promise((resolve, reject) => {
    const outgoing = http.request(
      {
        host: endpoint.hostname,
        port: endpoint.port,
        method: request.method,
        path: query ? `${target}?${query}` : target,
        headers,
        agent: call.agent,
        signal: call.signal,
      },
      resolve,
    );
    outgoing.on('error', (error) =>
      reject(
        new CommandError(
          exitCodes.general,
          `Could not connect to the endpoint URL: "${endpoint.href}" (${error.message})`,
        ),
      ),
    );
    if (request.file === undefined) outgoing.end(request.bytes);
    else fs.createReadStream(request.file).on('error', reject).pipe(outgoing);
  });
}

/** AWS Signature Version 4 without the payload.
 * @param {Call['environment']} environment @param {string} method @param {string} target @param {string} query @param {Record<string, string>} headers
 * @returns {Record<string, string>} */
function sign(environment, method, target, query, headers) {
  const { AWS_ACCESS_KEY_ID: id = '', AWS_SECRET_ACCESS_KEY: secret = '', AWS_SESSION_TOKEN: token } = environment;
  const region = environment['AWS_REGION'] ?? 'us-east-1';
  const time = (environment['AWS_STAND_IN_TIME'] ?? '2026-01-01T00:00:00.000Z').replace(/[-:]|\.\d+/g, '');
  const scope = `${time.slice(0, 8)}/${region}/s3/aws4_request`;
  /** @type {Record<string, string>} */
  const signed = { ...headers, 'x-amz-date': time, 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' };
  if (token) signed['x-amz-security-token'] = token;
  const names = Object.keys(signed).sort();
  const canonical = [
    method,
    target,
    query,
    ...names.map((name) => `${name}:${signed[name]}`),
    '',
    names.join(';'),
    'UNSIGNED-PAYLOAD',
  ].join('\n');
  const hmac = (/** @type {crypto.BinaryLike} */ key, /** @type {string} */ text) =>
    crypto.createHmac('sha256', key).update(text).digest();
  const key = ['s3', 'aws4_request'].reduce(hmac, hmac(hmac(`AWS4${secret}`, time.slice(0, 8)), region));
  const digest = crypto.createHash('sha256').update(canonical).digest('hex');
  const signature = hmac(key, ['AWS4-HMAC-SHA256', time, scope, digest].join('\n')).toString('hex');
  signed['authorization'] =
    `AWS4-HMAC-SHA256 Credential=${id}/${scope}, SignedHeaders=${names.join(';')}, Signature=${signature}`;
  return signed;
}

/** @param {http.IncomingMessage} response @returns {Promise<Buffer>} */
async function readAll(response) {
  const chunks = [];
  for await (const chunk of response) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** The CLI's sentence about an error that the service answered.
 * @param {http.IncomingMessage} response @param {string} operation @returns {Promise<CommandError>} */
async function serviceError(response, operation) {
  const text = (await readAll(response)).toString('utf8');
  const status = String(response.statusCode);
  const names = { 404: 'Not Found', 403: 'Forbidden' };
  const code = xmlText(text, 'Code') ?? status;
  const message = xmlText(text, 'Message') ?? names[/** @type {keyof typeof names} */ (Number(status))] ?? 'Unknown';
  return new CommandError(
    exitCodes.service,
    `\nAn error occurred (${code}) when calling the ${operation} operation: ${message}`,
  );
}

/** @param {string} xml @param {string} tag @returns {string | undefined} */
function xmlText(xml, tag) {
  const text = new RegExp(`<${tag}>([^<]*)</${tag}>`).exec(xml)?.[1];
  return text === undefined ? undefined : unescapeXml(text);
}

/** @param {string} text @returns {string} */
function unescapeXml(text) {
  const named = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' };
  return text.replace(/&(?:#x([0-9a-fA-F]+)|#(\d+)|(\w+));/g, (_, hex, decimal, name) =>
    name === undefined
      ? String.fromCodePoint(hex === undefined ? Number(decimal) : Number.parseInt(hex, 16))
      : named[/** @type {keyof typeof named} */ (name)],
  );
}

/** @param {Call} call @param {string} bucket @param {string} prefix @returns {AsyncGenerator<{ key: string, sizeBytes: number, lastModified: string, etag: string }>} */
async function* listObjects(call, bucket, prefix) {
  /** @type {string | undefined} */
  let token;
  do {
    const query = {
      'list-type': '2',
      prefix,
      'encoding-type': 'url',
      ...(token === undefined ? {} : { 'continuation-token': token }),
    };
    const response = await send(call, { method: 'GET', bucket, query });
    if (response.statusCode !== 200) throw await serviceError(response, 'ListObjectsV2');
    const xml = (await readAll(response)).toString('utf8');
    for (const [, item = ''] of xml.matchAll(/<Contents>(.*?)<\/Contents>/gs)) {
      const key = xmlText(item, 'Key') ?? '';
      yield {
        key: xml.includes('<EncodingType>url') ? decodeURIComponent(key.replace(/\+/g, ' ')) : key,
        sizeBytes: Number(xmlText(item, 'Size')),
        lastModified: xmlText(item, 'LastModified') ?? '',
        etag: xmlText(item, 'ETag') ?? '',
      };
    }
    token = xmlText(xml, 'NextContinuationToken');
  } while (token !== undefined);
}

// ---- Transfers

const contentTypes = {
  csv: 'text/csv',
  css: 'text/css',
  gif: 'image/gif',
  htm: 'text/html',
  html: 'text/html',
  jpeg: 'image/jpeg',
  jpg: 'image/jpeg',
  js: 'text/javascript',
  json: 'application/json',
  md: 'text/markdown',
  pdf: 'application/pdf',
  png: 'image/png',
  svg: 'image/svg+xml',
  tar: 'application/x-tar',
  tsv: 'text/tab-separated-values',
  txt: 'text/plain',
  xml: 'text/xml',
  zip: 'application/zip',
};

/** @param {string} file @returns {string} */
function guessContentType(file) {
  const extension = path.extname(file).slice(1).toLowerCase();
  return Object.hasOwn(contentTypes, extension)
    ? contentTypes[/** @type {keyof typeof contentTypes} */ (extension)]
    : 'binary/octet-stream';
}

/** @param {string} file @returns {Promise<string>} */
async function sha256Of(file) {
  const hash = crypto.createHash('sha256');
  await pipeline(fs.createReadStream(file), hash);
  return hash.digest('base64');
}

/** @param {string} algorithm @param {string} sum @returns {Record<string, string>} */
function checksumHeaders(algorithm, sum) {
  if (algorithm !== 'SHA256') refuse(`the checksum algorithm ${algorithm}`);
  return { 'x-amz-sdk-checksum-algorithm': 'SHA256', 'x-amz-checksum-sha256': sum };
}

/** From the size at which the CLI would upload in parts, a checksum is no longer that of the file.
 * @param {Call} call @returns {number} */
function multipartThresholdBytes(call) {
  const file = call.environment['AWS_CONFIG_FILE'];
  const place = file === undefined ? undefined : call.locate(file);
  const text = place !== undefined && fs.existsSync(place) ? fs.readFileSync(place, 'utf8') : '';
  const [, amount = '8', unit = 'M'] = /^\s+multipart_threshold\s*=\s*(\d+)\s*([KMGT]?)i?B?\s*$/im.exec(text) ?? [];
  return Number(amount) * 1024 ** ' KMGT'.indexOf(unit.toUpperCase() || ' ');
}

/** @param {Call} call @param {string} file @param {string} bucket @param {string} key @param {Arguments} parsed */
async function uploadFile(call, file, bucket, key, parsed) {
  const algorithm = parsed.options['--checksum-algorithm'];
  const { size } = fs.statSync(file);
  if (algorithm !== undefined && size >= multipartThresholdBytes(call)) {
    refuse(`an upload in several parts (${size} bytes, multipart_threshold ${multipartThresholdBytes(call)})`);
  }
  const response = await send(call, {
    method: 'PUT',
    bucket,
    key,
    file,
    headers: {
      'content-type': parsed.options['--content-type'] ?? guessContentType(file),
      ...(algorithm === undefined ? {} : checksumHeaders(algorithm, await sha256Of(file))),
    },
  });
  if (response.statusCode !== 200) throw await serviceError(response, 'PutObject');
  response.resume();
}

/** Written under another name first, as the CLI does: a download that breaks leaves no half file.
 * @param {Call} call @param {string} bucket @param {string} key @param {string} file */
async function downloadFile(call, bucket, key, file) {
  const response = await send(call, { method: 'GET', bucket, key });
  if (response.statusCode !== 200) throw await serviceError(response, 'GetObject');
  fs.mkdirSync(path.dirname(file), { recursive: true, mode: 0o777 & ~call.umask });
  // A pipe or a device is written to: to put a file in its place would be the end of /dev/null.
  const found = fs.statSync(file, { throwIfNoEntry: false });
  if (found !== undefined && !found.isFile() && !found.isDirectory()) return pipeline(response, createFile(call, file));
  const partial = `${file}.${call.id}`;
  await pipeline(response, createFile(call, partial));
  fs.renameSync(partial, file);
}

/** @param {Call} call @param {string} file @returns {fs.WriteStream} */
function createFile(call, file) {
  return fs.createWriteStream(file, { mode: 0o666 & ~call.umask });
}

/** @param {Call} call @param {string} folder @param {boolean} followsLinks @param {string} [below] @returns {Generator<string>} Paths relative to the folder. */
function* filesBelow(call, folder, followsLinks, below = '') {
  for (const entry of fs
    .readdirSync(path.join(folder, below), { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const relative = below === '' ? entry.name : `${below}/${entry.name}`;
    if (entry.isSymbolicLink() && !followsLinks) continue;
    const kind = entry.isSymbolicLink() ? fs.statSync(call.locate(`${folder}/${relative}`)) : entry;
    if (kind.isDirectory()) yield* filesBelow(call, folder, followsLinks, relative);
    else if (kind.isFile()) yield relative;
  }
}

/** @param {string} url @returns {{ bucket: string, key: string }} */
function parseS3Url(url) {
  const [, bucket = '', key = ''] = /^s3:\/\/([^/]*)\/?(.*)$/s.exec(url) ?? [];
  if (bucket === '') misuse(`Invalid S3 path: ${url}`);
  return { bucket, key };
}

// ---- Commands

/** @param {Call} call @returns {Promise<number>} */
async function copy(call) {
  const parsed = parseArguments(call, {
    options: ['--checksum-algorithm', '--content-type'],
    flags: [
      '--recursive',
      '--no-follow-symlinks',
      '--follow-symlinks',
      '--only-show-errors',
      '--quiet',
      '--no-progress',
    ],
  });
  const [from, to, ...rest] = parsed.positionals;
  if (from === undefined || to === undefined || rest.length > 0)
    misuse('aws: error: the following arguments are required: paths');
  const say = (/** @type {string} */ line) => {
    if (!parsed.flags.has('--only-show-errors') && !parsed.flags.has('--quiet')) call.output.write(`${line}\n`);
  };
  if (from.startsWith('s3://') && to.startsWith('s3://')) refuse('s3 cp between two buckets');
  if (to.startsWith('s3://')) return upload(call, from, to, parsed, say);
  if (from.startsWith('s3://')) return download(call, from, to, parsed, say);
  return misuse(
    `\nusage: aws s3 cp <LocalPath> <S3Uri> or <S3Uri> <LocalPath> or <S3Uri> <S3Uri>\nError: Invalid argument type`,
  );
}

/** Tries every file, and fails if one failed.
 * @param {Call} call
 * @param {Iterable<{ label: string, run: () => Promise<void> }> | AsyncIterable<{ label: string, run: () => Promise<void> }>} transfers
 * @param {string} verb @param {(line: string) => void} say @returns {Promise<number>} */
async function transferAll(call, transfers, verb, say) {
  let exitCode = 0;
  for await (const { label, run } of transfers) {
    try {
      await run();
      say(`${verb}: ${label}`);
    } catch (error) {
      if (!(error instanceof CommandError) || error.exitCode !== exitCodes.service) throw error;
      call.errors.write(`${verb} failed: ${label} ${error.message.trim()}\n`);
      exitCode = exitCodes.transferFailed;
    }
  }
  return exitCode;
}

/** @param {Call} call @param {string} from @param {string} to @param {Arguments} parsed @param {(line: string) => void} say @returns {Promise<number>} */
async function upload(call, from, to, parsed, say) {
  const { bucket, key } = parseS3Url(to);
  if (from === '-') {
    const chunks = [];
    for await (const chunk of call.streams().input) chunks.push(chunk);
    const bytes = Buffer.concat(chunks);
    const response = await send(call, {
      method: 'PUT',
      bucket,
      key,
      bytes,
      headers: { 'content-type': parsed.options['--content-type'] ?? 'binary/octet-stream' },
    });
    if (response.statusCode !== 200) throw await serviceError(response, 'PutObject');
    return 0;
  }
  const source = call.locate(from);
  if (!fs.existsSync(source))
    throw new CommandError(exitCodes.general, `The user-provided path ${from} does not exist.`);
  if (!parsed.flags.has('--recursive')) {
    if (fs.statSync(source).isDirectory()) misuse(`upload failed: ${from} is a directory; use --recursive`);
    const target = key === '' || key.endsWith('/') ? `${key}${path.basename(from)}` : key;
    return transferAll(
      call,
      [{ label: `${from} to s3://${bucket}/${target}`, run: () => uploadFile(call, source, bucket, target, parsed) }],
      'upload',
      say,
    );
  }
  const prefix = key === '' || key.endsWith('/') ? key : `${key}/`;
  const files = [...filesBelow(call, source, !parsed.flags.has('--no-follow-symlinks'))];
  const transfers = files.map((file) => ({
    label: `${path.join(from, file)} to s3://${bucket}/${prefix}${file}`,
    run: () => uploadFile(call, `${source}/${file}`, bucket, `${prefix}${file}`, parsed),
  }));
  return transferAll(call, transfers, 'upload', say);
}

/** @param {Call} call @param {string} from @param {string} to @param {Arguments} parsed @param {(line: string) => void} say @returns {Promise<number>} */
async function download(call, from, to, parsed, say) {
  const { bucket, key } = parseS3Url(from);
  if (to === '-') {
    const { output } = call.streams();
    const response = await send(call, { method: 'GET', bucket, key });
    if (response.statusCode !== 200) throw await serviceError(response, 'GetObject');
    await pipeline(response, output);
    return 0;
  }
  const target = call.locate(to);
  if (!parsed.flags.has('--recursive')) {
    const isFolder = to.endsWith('/') || (fs.existsSync(target) && fs.statSync(target).isDirectory());
    const name = path.posix.basename(key);
    const transfer = {
      label: `${from} to ${isFolder ? path.join(to, name) : to}`,
      run: () => downloadFile(call, bucket, key, isFolder ? `${target}/${name}` : target),
    };
    return transferAll(call, [transfer], 'download', say);
  }
  const prefix = key === '' || key.endsWith('/') ? key : `${key}/`;
  const transfers = async function* () {
    for await (const object of listObjects(call, bucket, prefix)) {
      const relative = object.key.slice(prefix.length);
      if (relative === '' || relative.endsWith('/')) continue;
      const file = path.join(to, relative);
      const below = path.relative(to, file);
      if (below.startsWith('..')) throw new CommandError(exitCodes.general, `The key ${object.key} leads out of ${to}`);
      yield {
        label: `s3://${bucket}/${object.key} to ${file}`,
        run: () => downloadFile(call, bucket, object.key, `${target}/${below}`),
      };
    }
  };
  return transferAll(call, transfers(), 'download', say);
}

/** @param {Call} call @returns {Promise<number>} */
async function list(call) {
  const parsed = parseArguments(call, { options: [], flags: ['--recursive'] });
  const { bucket, key: prefix } = parseS3Url(parsed.positionals[0] ?? '');
  const shownFolders = new Set();
  let found = false;
  for await (const object of listObjects(call, bucket, prefix)) {
    found = true;
    const from = prefix.lastIndexOf('/') + 1;
    const slash = object.key.indexOf('/', prefix.length);
    if (!parsed.flags.has('--recursive') && slash >= 0) {
      const folder = object.key.slice(from, slash + 1);
      if (!shownFolders.has(folder)) call.output.write(`${' '.repeat(27)}PRE ${folder}\n`);
      shownFolders.add(folder);
      continue;
    }
    const time = object.lastModified.replace('T', ' ').slice(0, 19);
    const name = parsed.flags.has('--recursive') ? object.key : object.key.slice(from);
    call.output.write(`${time} ${String(object.sizeBytes).padStart(10)} ${name}\n`);
  }
  return found || prefix === '' ? 0 : exitCodes.transferFailed;
}

/** @param {http.IncomingMessage} response @returns {Record<string, unknown>} */
function objectMetadata(response) {
  const members = {
    AcceptRanges: 'accept-ranges',
    LastModified: 'last-modified',
    ETag: 'etag',
    ChecksumSHA256: 'x-amz-checksum-sha256',
    VersionId: 'x-amz-version-id',
    ContentType: 'content-type',
    StorageClass: 'x-amz-storage-class',
  };
  const texts = Object.entries(members).map(([member, header]) => [member, response.headers[header]]);
  return {
    ...Object.fromEntries(texts.filter(([, value]) => value !== undefined)),
    ContentLength: Number(response.headers['content-length'] ?? 0),
  };
}

/** @param {Call} call @param {unknown} value */
function print(call, value) {
  call.output.write(`${JSON.stringify(value, null, 4)}\n`);
}

/** @param {Record<string, string>} request @returns {Pick<S3Request, 'bucket' | 'key' | 'query' | 'headers'>} */
function readRequest(request) {
  return {
    bucket: request['Bucket'] ?? '',
    key: request['Key'] ?? '',
    query: request['VersionId'] === undefined ? {} : { versionId: request['VersionId'] },
    headers: {
      ...(request['IfMatch'] === undefined ? {} : { 'if-match': request['IfMatch'] }),
      ...(request['ChecksumMode'] === undefined ? {} : { 'x-amz-checksum-mode': request['ChecksumMode'] }),
    },
  };
}

const readMembers = ['Bucket', 'Key', 'VersionId', 'IfMatch', 'ChecksumMode'];

/** @type {Record<string, (call: Call) => Promise<number>>} */
const commands = {
  's3 cp': copy,
  's3 ls': list,
  // As in the CLI, a command that writes a file has no --cli-input-json.
  's3api get-object': async (call) => {
    const parsed = parseArguments(call, { options: readMembers.map(optionOf), flags: [] });
    const [file, ...rest] = parsed.positionals;
    if (file === undefined || rest.length > 0) misuse('aws: error: the following arguments are required: outfile');
    const place = call.locate(file);
    const response = await send(call, { method: 'GET', ...readRequest(requestMembers(parsed, readMembers)) });
    if (response.statusCode !== 200) throw await serviceError(response, 'GetObject');
    await pipeline(response, createFile(call, place));
    print(call, objectMetadata(response));
    return 0;
  },
  's3api head-object': async (call) => {
    const parsed = parseArguments(call, { options: ['--cli-input-json', ...readMembers.map(optionOf)], flags: [] });
    const response = await send(call, { method: 'HEAD', ...readRequest(requestMembers(parsed, readMembers)) });
    if (response.statusCode !== 200) throw await serviceError(response, 'HeadObject');
    print(call, objectMetadata(response));
    return 0;
  },
  's3api put-object': async (call) => {
    const members = ['Bucket', 'Key', 'Body', 'ContentType', 'ChecksumAlgorithm'];
    const parsed = parseArguments(call, {
      options: ['--cli-input-json', ...members.map(optionOf)],
      flags: [],
      plain: ['--body'],
    });
    const request = requestMembers(parsed, members);
    const file = request['Body'] === undefined ? undefined : call.locate(request['Body']);
    const algorithm = request['ChecksumAlgorithm'];
    if (file !== undefined && !fs.existsSync(file))
      misuse(`Error parsing parameter '--body': Blob values must be a path to a file.`);
    const sum = file === undefined ? crypto.createHash('sha256').digest('base64') : await sha256Of(file);
    const response = await send(call, {
      method: 'PUT',
      bucket: request['Bucket'] ?? '',
      key: request['Key'] ?? '',
      ...(file === undefined ? {} : { file }),
      headers: {
        'content-type': request['ContentType'] ?? 'binary/octet-stream',
        ...(algorithm === undefined ? {} : checksumHeaders(algorithm, sum)),
      },
    });
    if (response.statusCode !== 200) throw await serviceError(response, 'PutObject');
    const { ETag, VersionId, ChecksumSHA256 } = objectMetadata(response);
    print(call, { ETag, ChecksumSHA256, VersionId });
    return 0;
  },
  's3api list-objects-v2': async (call) => {
    const members = ['Bucket', 'Prefix'];
    const parsed = parseArguments(call, { options: ['--cli-input-json', ...members.map(optionOf)], flags: [] });
    const request = requestMembers(parsed, members);
    const found = [];
    for await (const { key, lastModified, etag, sizeBytes } of listObjects(
      call,
      request['Bucket'] ?? '',
      request['Prefix'] ?? '',
    )) {
      found.push({ Key: key, LastModified: lastModified, ETag: etag, Size: sizeBytes, StorageClass: 'STANDARD' });
    }
    print(call, { Contents: found });
    return 0;
  },
};

/** @param {Call} call @returns {Promise<number>} */
async function answer(call) {
  if (call.words[0] === '--version') {
    call.output.write(
      'aws-cli/2.31.0 Python/3.13.7 Linux/6.12.0 exe/x86_64.amzn.2023 (a stand-in on a simulated instance)\n',
    );
    return 0;
  }
  const name = call.words.slice(0, 2).join(' ');
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  return command === undefined ? refuse(`aws ${name}`) : command(call);
}

/** @param {CallFromOutside} call @returns {Promise<number>} */
async function run(call) {
  const agent = new http.Agent({ keepAlive: true });
  try {
    return await answer({ ...call, agent });
  } catch (error) {
    if (error instanceof OutOfReach) throw error;
    // Not every error is an Error here: tests have a global object of their own, and Node's errors are those of another.
    const message = /** @type {{ message?: string }} */ (error).message ?? String(error);
    call.errors.write(`${message}\n`);
    return error instanceof CommandError ? error.exitCode : exitCodes.general;
  } finally {
    agent.destroy();
  }
}

async function runAlone() {
  process.exitCode = await run({
    words: process.argv.slice(2),
    environment: process.env,
    locate: (file) => file,
    umask: 0, // The operating system applies that of the process.
    id: process.pid.toString(16),
    output: process.stdout,
    errors: process.stderr,
    streams: () => ({ input: process.stdin, output: process.stdout }),
  });
}

module.exports = { run, environmentNames, OutOfReach };
if (require.main === module) void runAlone();
