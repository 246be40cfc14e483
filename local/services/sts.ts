/** Simulated STS: tells a caller who it is. */
import type { Principal, Service, ServiceOutput } from './service';

/** STS of one account. */
export class StsService implements Service {
  readonly name = 'sts';

  constructor(private readonly options: { readonly accountId: string }) {}

  readonly operations = {
    GetCallerIdentity: (_input: object, caller: Principal): ServiceOutput => {
      const { accountId } = this.options;
      const role = /^arn:aws:iam::\d+:role\/(?:.*\/)?([^/]+)$/.exec(caller.id)?.[1];
      if (role === undefined) {
        return {
          Account: accountId,
          UserId: 'AIDASIMULATED0000000',
          Arn: `arn:aws:iam::${accountId}:user/${caller.id}`,
        };
      }
      const session = caller.session ?? 'simulated';
      return {
        Account: accountId,
        UserId: `AROASIMULATED0000000:${session}`,
        Arn: `arn:aws:sts::${accountId}:assumed-role/${role}/${session}`,
      };
    },
  };
}
