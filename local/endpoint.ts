/** The loopback endpoint of a simulation: started when the first process needs it, with a key for each principal. */
import type { Cloud, Principal } from './services/service';
import { stableHash } from './template/stable-hash';
import { listen, type LoopbackServer } from './wire/loopback-server';

/** Gives processes of this machine access to the simulated services. */
export class Endpoint {
  private readonly principals = new Map<string, Principal>();
  private server: Promise<LoopbackServer> | undefined;

  constructor(private readonly cloud: Cloud) {}

  /** Environment variables with which an AWS SDK or the `aws` command calls the simulation as that principal. */
  async environmentFor(principal: Principal): Promise<Readonly<Record<string, string>>> {
    this.server ??= listen(this.cloud, (accessKeyId) => this.principals.get(accessKeyId));
    const { endpoint } = await this.server;
    const { accessKeyId, secretAccessKey } = this.credentialsOf(principal);
    return {
      AWS_ENDPOINT_URL: endpoint,
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      AWS_REGION: this.cloud.region,
      AWS_DEFAULT_REGION: this.cloud.region,
      AWS_EC2_METADATA_DISABLED: 'true',
      // Whoever runs this may have an AWS configuration: it must not change what happens here.
      AWS_CONFIG_FILE: '/dev/null',
      AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
    };
  }

  /** The key with which that principal signs. Two invocations of one function that run at the same time have two,
   * as the execution environments of Lambda do: what one may still call does not follow from how the other ended. */
  credentialsOf(principal: Principal): { readonly accessKeyId: string; readonly secretAccessKey: string } {
    const { id, session = '', invocation = '' } = principal;
    const secretAccessKey = stableHash(`${id}/${session}/${invocation}`);
    const accessKeyId = `AKIA${secretAccessKey.slice(0, 16).toUpperCase()}`;
    this.principals.set(accessKeyId, principal);
    return { accessKeyId, secretAccessKey };
  }

  /** Who signs with that key; undefined for one that was never given out. A signature outlives the invocation that made it. */
  keyHolder(accessKeyId: string): { readonly principal: Principal; readonly secretAccessKey: string } | undefined {
    const principal = this.principals.get(accessKeyId);
    if (principal === undefined) return undefined;
    const { id, session } = principal;
    const holder: Principal = { id, ...(session !== undefined && { session }) };
    return { principal: holder, secretAccessKey: this.credentialsOf(principal).secretAccessKey };
  }

  async close(): Promise<void> {
    await (await this.server)?.close();
  }
}
