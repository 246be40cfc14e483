/** `npm run demo -- --example customer-registration`: a customer from registration to erasure, on simulated services, in virtual time. */
import { simulate } from 'cdk-object-workflow/local';
import type { Demonstration, DemonstrationOptions } from '../demonstration';
import { createTokenVerifier } from './application/verify-token';
import { LocalApplication, makeStack } from './local-application';
import { sampleCustomer } from './samples';
import { tell, type Scene } from './story';
import { clientId, TokenIssuer } from './token-issuer';

/** Tells the story, and with `--serve` leaves the application to whoever sits here. */
export const demonstration: Demonstration = async (options) => {
  options.say('Synthesizing examples/customer-registration …');
  // What CDK finds in the template, a test looks at. It would take longer than the story.
  process.env['CDK_VALIDATION'] ??= 'false';
  await onThisMachine({}, (scene) => tell(scene, options.say));
  if (options.serve) await onThisMachine({ pace: 60 }, (scene) => stayUp(scene, options));
};

async function onThisMachine(
  options: { readonly pace?: number },
  work: (scene: Scene) => Promise<void>,
): Promise<void> {
  const stack = makeStack();
  const simulation = await simulate(stack, options);
  const issuer = await TokenIssuer.start();
  const log: string[] = [];
  let count = 0;
  try {
    const application = await LocalApplication.start(simulation, stack, {
      verifyToken: createTokenVerifier({ issuer: issuer.issuer, clients: [clientId] }),
      write: (line) => void log.push(line),
      newId: () => (++count).toString(16).padStart(32, '0'),
    });
    try {
      const token = await issuer.issue(['read', 'write', 'erase'], {}, '1d');
      await work({ simulation, application, token, log });
    } finally {
      await application.close();
    }
  } finally {
    await issuer.close();
    await simulation.close();
  }
}

async function stayUp({ application, token }: Scene, { say, interrupted }: DemonstrationOptions): Promise<void> {
  say(`\nThe application is at ${application.address}; its description at ${application.address}/openapi.json`);
  say(`  export TOKEN=${token}`);
  say(`  curl -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' \\`);
  say(`    -d '${JSON.stringify(sampleCustomer)}' ${application.address}/customers`);
  say('A minute passes in a second, so a form is good for ten. Ctrl+C ends it.');
  if (!interrupted.aborted) await new Promise((resolve) => interrupted.addEventListener('abort', resolve));
}
