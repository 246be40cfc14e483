/** Serves what browsers reach of a simulation, on 127.0.0.1 only: sites, HTTP APIs, logins and buckets. */
import type { RandomSource } from '../random';
import type { S3Service } from '../services/s3';
import { UnsupportedError, type Cloud } from '../services/service';
import type { VirtualClock } from '../virtual-clock';
import { serveBucket } from './bucket-door';
import { serveHttpApi } from './http-api';
import { Addresses, listenFor, type Listener, type WebHandler } from './listener';
import { serveIssuer, serveLogin, type LocalUser } from './login';
import type { Distribution, WebModel } from './model';
import type { FindKey } from './signature';
import { serveSite } from './site';
import { TokenSigner } from './tokens';

export type { LocalUser } from './login';

/** Who and what is served. */
export interface ServeOptions {
  /** Who can sign in to the user pools of the template.
   * @default - nobody */
  readonly users?: readonly LocalUser[];
}

/** A simulation that browsers can reach. */
export interface ServedSimulation {
  /** Addresses of the pages: one for each CloudFront distribution. */
  readonly pages: readonly string[];
  /** The address of this machine that stands for one of AWS, as outputs of the template name it. Undefined for one that
   * is not served. */
  readonly addressOf: (awsAddress: string) => string | undefined;
  /** Stops listening. `Simulation.close` does so too. */
  readonly close: () => Promise<void>;
}

interface ServeContext {
  readonly web: WebModel;
  readonly cloud: Cloud;
  readonly clock: VirtualClock;
  readonly random: RandomSource;
  readonly s3: S3Service;
  readonly findKey: FindKey;
  /** Whether a distribution may read an object of its bucket. */
  readonly mayShow: (site: Distribution, key: string) => boolean;
  /** Takes errors of the simulator itself. */
  readonly report: (error: unknown) => void;
}

/** How often virtual time is brought up to date while nothing happens, in real milliseconds. */
const tickMs = 100;

/** Starts a listener for every address that browsers reach. At a pace, virtual time begins to run. */
export async function serve(context: ServeContext, options: ServeOptions): Promise<ServedSimulation> {
  const { web, cloud, s3, clock } = context;
  const addresses = new Addresses();
  const listeners: Listener[] = [];
  const open = async (aws: string, handler: WebHandler): Promise<string> => {
    const listener = await listenFor(handler, context.report);
    listeners.push(listener);
    addresses.add(aws, listener.origin);
    return listener.origin;
  };
  const nowMs = (): number => clock.nowMs();
  for (const bucket of s3.bucketNames) {
    const origin = `https://${bucket}.s3.${cloud.region}.amazonaws.com`;
    const cors = (): NonNullable<ReturnType<typeof web.bucketCors.get>> => web.bucketCors.get(bucket) ?? [];
    await open(origin, serveBucket({ bucket, origin, cloud, addresses, cors, findKey: context.findKey, nowMs }));
  }
  const signers = await openLogins(context, options, addresses, open);
  const verify = (issuer: string, token: string) => signers.get(issuer)?.verify(token);
  for (const api of web.apis.values()) {
    for (const { issuer } of api.authorizers.values()) refuseUnknownIssuer(issuer, signers);
    const random = context.random.fork(api.id);
    await open(api.origin, serveHttpApi({ api, cloud, addresses, random, nowMs, verify }));
  }
  const pages: string[] = [];
  for (const site of web.distributions) {
    pages.push(
      await open(
        site.origin,
        serveSite(site, s3, addresses, (key) => context.mayShow(site, key)),
      ),
    );
  }
  const stopClock = runClock(clock, context.report);
  return {
    pages: pages.map((origin) => `${origin}/`),
    addressOf: (address) => {
      const { origin } = new URL(address);
      const local = addresses.localOf(origin);
      return local && address.replace(origin, local);
    },
    close: async () => {
      await stopClock();
      await Promise.all(listeners.map((listener) => listener.close()));
    },
  };
}

/** @returns what signs the tokens of each issuer */
async function openLogins(
  { web, clock, cloud, random }: ServeContext,
  { users = [] }: ServeOptions,
  addresses: Addresses,
  open: (aws: string, handler: WebHandler) => Promise<string>,
): Promise<ReadonlyMap<string, TokenSigner>> {
  const signers = new Map<string, TokenSigner>();
  const pools = [];
  for (const pool of web.pools.values()) {
    const signer = await TokenSigner.create(`local-${pool.id}`);
    signers.set(pool.issuer, signer);
    const domain = web.domains.find(({ poolId }) => poolId === pool.id)?.origin;
    pools.push({ pool, signer, domain });
    if (domain === undefined) continue;
    const clients = [...web.clients.values()].filter(({ poolId }) => poolId === pool.id);
    const handler = serveLogin({
      pool,
      clients,
      users,
      signer,
      addresses,
      random: random.fork(pool.id),
      nowMs: () => clock.nowMs(),
    });
    await open(domain, handler);
  }
  if (pools.length > 0) await open(`https://cognito-idp.${cloud.region}.amazonaws.com`, serveIssuer(pools, addresses));
  return signers;
}

function refuseUnknownIssuer(issuer: string, signers: ReadonlyMap<string, unknown>): void {
  if (signers.has(issuer)) return;
  throw new UnsupportedError(`The issuer ${issuer}`, 'a JWT authorizer', 'use a user pool of the same app');
}

/** Lets virtual time pass as real time does, for people: what is due happens, and what has an end comes to it.
 * @returns stops it */
function runClock(clock: VirtualClock, report: (error: unknown) => void): () => Promise<void> {
  if (clock.pace === 'jump') return () => Promise.resolve();
  const tickVirtualMs = tickMs * clock.pace;
  let isStopped = false;
  const tick = (): void => {
    if (!isStopped) clock.schedule(tickVirtualMs, tick, { background: true });
  };
  tick();
  const running = clock.runUntil(() => isStopped, Number.MAX_SAFE_INTEGER).catch(report);
  return async () => {
    isStopped = true;
    await running;
  };
}
