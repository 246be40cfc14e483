/** The portal's API, as its page calls it. The shapes are those of the function itself. */
import type {
  CreatedUpload,
  NewUpload,
  PartAddress,
  Problem,
  ResultAddress,
  ResultPage,
  StoredParts,
  Upload,
  UploadPage,
} from '../tasks/portal/messages';
import type { Session } from './session';

/** The API has refused. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly problem: Partial<Problem>,
  ) {
    super(problem.message ?? String(status));
  }
}

/** Calls as the signed-in visitor. */
export class Api {
  /** @param onSignedOut Called when the sign-in has ended for good. */
  constructor(
    private readonly address: string,
    private readonly session: Session,
    private readonly onSignedOut: () => void,
  ) {}

  create(file: NewUpload): Promise<CreatedUpload> {
    return this.call('POST', '/uploads', file);
  }

  list(before?: string): Promise<UploadPage> {
    return this.call('GET', `/uploads${before === undefined ? '' : `?before=${before}`}`);
  }

  storedParts(id: string): Promise<StoredParts> {
    return this.call('GET', `/uploads/${id}/parts`);
  }

  signPart(id: string, part: { readonly partNumber: number; readonly sha256: string }): Promise<PartAddress> {
    return this.call('POST', `/uploads/${id}/parts`, part);
  }

  complete(id: string): Promise<Upload> {
    return this.call('POST', `/uploads/${id}/complete`);
  }

  remove(id: string): Promise<unknown> {
    return this.call('DELETE', `/uploads/${id}`);
  }

  results(id: string, from = 0): Promise<ResultPage> {
    return this.call('GET', `/uploads/${id}/results?from=${from}`);
  }

  resultAddress(id: string, index: number): Promise<ResultAddress> {
    return this.call('GET', `/uploads/${id}/results/${index}`);
  }

  /** A token that has ended is renewed once. */
  private async call<Body>(method: string, path: string, body?: object): Promise<Body> {
    let response = await this.send(method, path, body);
    if (response.status === 401 && (await this.session.renew())) response = await this.send(method, path, body);
    if (response.status === 401) this.onSignedOut();
    if (response.ok) return (await response.json()) as Body;
    const problem = (await response.json().catch(() => ({}))) as Partial<Problem>;
    throw new ApiError(response.status, problem);
  }

  private send(method: string, path: string, body?: object): Promise<Response> {
    return fetch(`${this.address}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${this.session.token}`,
        ...(body && { 'content-type': 'application/json' }),
      },
      ...(body && { body: JSON.stringify(body) }),
    });
  }
}
