/** A token issuer that stands in for the user pool on this machine: real RS256 tokens, verified by the application's own code. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey } from 'jose';

export const clientId = 'local-client';

export class TokenIssuer {
  private constructor(
    /** `http://127.0.0.1:<port>` */
    readonly issuer: string,
    private readonly privateKey: CryptoKey,
    private readonly server: Server,
  ) {}

  static async start(): Promise<TokenIssuer> {
    const { publicKey, privateKey } = await generateKeyPair('RS256', { modulusLength: 2048 });
    const keys = JSON.stringify({
      keys: [{ ...(await exportJWK(publicKey)), kid: 'local', alg: 'RS256', use: 'sig' }],
    });
    const server = createServer((incoming, outgoing) => {
      const isKnown = incoming.url === '/.well-known/jwks.json';
      outgoing.writeHead(isKnown ? 200 : 404, { 'content-type': 'application/json' }).end(isKnown ? keys : '{}');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new TokenIssuer(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, privateKey, server);
  }

  /** A token as Cognito's access tokens are.
   * @param claims In place of the usual ones. */
  async issue(
    rights: readonly string[],
    claims: Readonly<Record<string, unknown>> = {},
    lifetime = '30m',
  ): Promise<string> {
    return new SignJWT({
      sub: '5f0c6c1e-3a5b-4e0c-9d57-1b8f5d3c7a11',
      token_use: 'access',
      client_id: clientId,
      scope: rights.map((right) => `registrations/${right}`).join(' '),
      iss: this.issuer,
      ...claims,
    })
      .setProtectedHeader({ alg: 'RS256', kid: 'local' })
      .setIssuedAt()
      .setExpirationTime(lifetime)
      .sign(this.privateKey);
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
