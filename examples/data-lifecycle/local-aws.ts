/** What the demo and the tests share: people who visit the page's API as a browser does, and drills on a simulated AWS. */
import { createHash } from 'node:crypto';
import type { Simulation } from 'cdk-object-workflow/local';
import { runRestoreDrill, type DrillReport, type DrillSettings } from './restore-drill';

/** Somebody who can sign in here. */
export interface LocalUser {
  readonly email: string;
  readonly password: string;
}

/** As much of the portal's answers as is used here; GET /openapi.json describes them all. */
export interface Upload {
  readonly id: string;
  readonly state: string;
  readonly reasons?: readonly { readonly message: string; readonly accepted?: string }[];
}

interface Announced {
  readonly upload: Upload;
  readonly transfer: { readonly address: string; readonly fields: Readonly<Record<string, string>> };
  readonly reasons?: Upload['reasons'];
}

/** A signed-in person without a browser. */
export class Visitor {
  private constructor(
    private readonly api: string,
    private readonly token: string,
  ) {}

  /** Signs in with the login form, and redeems the code as the page does: authorization code with PKCE.
   * @throws Error with the form's own words when nobody is signed in */
  static async signIn(page: string, { email, password }: LocalUser): Promise<Visitor> {
    const settings = (await (await fetch(`${page}config.json`)).json()) as {
      readonly login: string;
      readonly clientId: string;
      readonly api: string;
      readonly scopes: readonly string[];
    };
    const verifier = 'a-verifier-of-a-page-is-random-this-one-never-leaves-this-machine';
    const query = new URLSearchParams({
      client_id: settings.clientId,
      response_type: 'code',
      redirect_uri: page,
      scope: ['openid', 'email', ...settings.scopes].join(' '),
      state: 'demo',
      code_challenge: createHash('sha256').update(verifier).digest('base64url'),
      code_challenge_method: 'S256',
    });
    const form = { method: 'POST', redirect: 'manual' } as const;
    const answered = await fetch(`${settings.login}/login?${query}`, {
      ...form,
      body: new URLSearchParams({ username: email, password }),
    });
    const location = answered.headers.get('location');
    if (location === null)
      throw new Error(/role="alert"[^>]*>([^<]+)/.exec(await answered.text())?.[1] ?? 'Not signed in');
    const code = new URL(location).searchParams.get('code')!;
    const redeem = { grant_type: 'authorization_code', client_id: settings.clientId, redirect_uri: page };
    const tokens = await fetch(`${settings.login}/oauth2/token`, {
      ...form,
      body: new URLSearchParams({ ...redeem, code, code_verifier: verifier }),
    });
    const { access_token: token } = (await tokens.json()) as { readonly access_token: string };
    return new Visitor(settings.api, token);
  }

  /** Announces a file and sends it straight to S3.
   * @returns the upload, or why it was refused */
  async upload(fileName: string, content: string, contentType = 'text/csv'): Promise<Upload> {
    const sizeBytes = Buffer.byteLength(content);
    const { status, body } = await this.call<Announced>('POST /uploads', { fileName, sizeBytes, contentType });
    if (status !== 201) return { id: '', state: 'REFUSED', ...(body.reasons && { reasons: body.reasons }) };
    const form = new FormData();
    for (const [name, value] of Object.entries(body.transfer.fields)) form.append(name, value);
    form.append('file', new Blob([content]), fileName);
    const sent = await fetch(body.transfer.address, { method: 'POST', body: form });
    if (sent.status !== 201) throw new Error(`S3 refuses the form: ${await sent.text()}`);
    await this.call(`POST /uploads/${body.upload.id}/complete`);
    return body.upload;
  }

  async follow(id: string): Promise<Upload> {
    return (await this.call<Upload>(`GET /uploads/${id}`)).body;
  }

  /** All results of an upload, by name, through addresses that are signed for one of them each. */
  async download(id: string): Promise<ReadonlyMap<string, string>> {
    const { body } = await this.call<{ readonly files: readonly { readonly index: number; readonly path: string }[] }>(
      `GET /uploads/${id}/results`,
    );
    const files = new Map<string, string>();
    for (const { index, path } of body.files) {
      const { body: result } = await this.call<{ readonly address: string }>(`GET /uploads/${id}/results/${index}`);
      files.set(path, await (await fetch(result.address)).text());
    }
    return files;
  }

  /** @param request Method and path. */
  async call<Body>(request: string, body?: object): Promise<{ readonly status: number; readonly body: Body }> {
    const [method, path] = request.split(' ') as [string, string];
    const response = await fetch(`${this.api}${path}`, {
      method,
      headers: { authorization: `Bearer ${this.token}`, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: (await response.json()) as Body };
  }
}

/** What looks every minute or every hour whether there is something to do. */
export const schedules = ['DataLifecycle/Workers/Keeper/Schedule', 'DataLifecycle/Tours/Events/Sweep'];

/** Runs the drill with the rights of its role in the stack, in virtual time. */
export async function drill(
  simulation: Simulation,
  key: string,
  say: (line: string) => void = () => undefined,
): Promise<DrillReport> {
  const settings = JSON.parse(String(simulation.outputs['DataLifecycle']!['DrillSettings'])) as DrillSettings;
  const environment = await simulation.environmentFor('DataLifecycle/Drill/Operator');
  const configuration = {
    region: environment['AWS_REGION'],
    endpoint: environment['AWS_ENDPOINT_URL'],
    forcePathStyle: true,
    credentials: {
      accessKeyId: environment['AWS_ACCESS_KEY_ID'],
      secretAccessKey: environment['AWS_SECRET_ACCESS_KEY'],
    },
  };
  return runRestoreDrill(settings, key, {
    client: (Client) => new Client(configuration),
    pause: (seconds) => simulation.advance(seconds * 1000),
    say,
  });
}
