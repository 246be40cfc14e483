/** The tokens of a user pool: JSON Web Tokens signed with RS256, as Cognito signs them. */
import { createPublicKey, generateKeyPair, sign, verify, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';

/** What a token says. */
export type Claims = Readonly<Record<string, unknown>>;

/** Signs and verifies the tokens of one issuer. */
export class TokenSigner {
  private constructor(
    private readonly keyId: string,
    private readonly privateKey: KeyObject,
  ) {}

  static async create(keyId: string): Promise<TokenSigner> {
    const { privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: 2048 });
    return new TokenSigner(keyId, privateKey);
  }

  sign(claims: Claims): string {
    const content = [{ kid: this.keyId, alg: 'RS256' }, claims].map(encode).join('.');
    return `${content}.${sign('RSA-SHA256', Buffer.from(content), this.privateKey).toString('base64url')}`;
  }

  /** @returns what the token says; undefined when it was not signed here. Nothing but the signature is looked at. */
  verify(token: string): Claims | undefined {
    const [header = '', claims = '', signature = '', ...more] = token.split('.');
    const { alg, kid } = decode(header) ?? {};
    if (more.length > 0 || alg !== 'RS256' || kid !== this.keyId) return undefined;
    const content = Buffer.from(`${header}.${claims}`);
    const isSigned = verify(
      'RSA-SHA256',
      content,
      createPublicKey(this.privateKey),
      Buffer.from(signature, 'base64url'),
    );
    return isSigned ? decode(claims) : undefined;
  }

  /** The public key, as `jwks.json` shows it. */
  jwk(): object {
    return { ...createPublicKey(this.privateKey).export({ format: 'jwk' }), alg: 'RS256', kid: this.keyId, use: 'sig' };
  }
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

function decode(text: string): Claims | undefined {
  try {
    const value = JSON.parse(Buffer.from(text, 'base64url').toString('utf8')) as unknown;
    return typeof value === 'object' && value !== null ? (value as Claims) : undefined;
  } catch {
    return undefined;
  }
}
