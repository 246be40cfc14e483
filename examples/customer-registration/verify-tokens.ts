/** Shows which tokens the application accepts: real ones, over HTTP, as JSON on standard output. Run by a test. */
import { createTokenVerifier } from './application/verify-token';
import { clientId, TokenIssuer } from './token-issuer';

void show();

async function show(): Promise<void> {
  const [issuer, other] = [await TokenIssuer.start(), await TokenIssuer.start()];
  const verify = createTokenVerifier({ issuer: issuer.issuer, clients: [clientId] });
  const good = await issuer.issue(['read']);
  const [header, claims] = good.split('.');
  const unsignedHeader = Buffer.from(JSON.stringify({ alg: 'none' })).toString('base64url');
  const tokens = {
    good,
    'another client': await issuer.issue(['read'], { client_id: 'other' }),
    'an ID token': await issuer.issue(['read'], { token_use: 'id' }),
    'another issuer': await issuer.issue(['read'], { iss: other.issuer }),
    'too old': await issuer.issue(['read'], {}, '-1m'),
    'signed by somebody else': await other.issue(['read'], { iss: issuer.issuer }),
    unsigned: `${unsignedHeader}.${claims}.${header}`,
  };
  const answers = Object.entries(tokens).map(async ([name, token]) => {
    const answer = await verify(token).then(
      () => 'accepted',
      () => 'refused',
    );
    return [name, answer] as const;
  });
  process.stdout.write(JSON.stringify(Object.fromEntries(await Promise.all(answers))));
  await Promise.all([issuer.close(), other.close()]);
}
