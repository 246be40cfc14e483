/** The contract between simulated services and everything that calls them. Every call passes through one `Cloud`. */

import type { TrackedWork } from '../virtual-clock';

/** The services that are simulated, by the name that signs their requests. */
export type ServiceName =
  | 'autoscaling'
  | 'backup'
  | 'dynamodb'
  | 'ec2'
  | 'events'
  | 'lambda'
  | 'logs'
  | 'monitoring'
  | 's3'
  | 'sns'
  | 'sqs'
  | 'ssm'
  | 'states'
  | 'sts';

/** Who makes a call: an IAM role of the template, or an AWS service acting for itself. */
export interface Principal {
  /** Role ARN; a service principal such as `events.amazonaws.com`; or `user` for the person at this machine. */
  readonly id: string;
  /** Tells one user of a role from another in records and logs: function name, execution name, instance id. */
  readonly session?: string;
  /** Tells one invocation of a function from another of the same function. */
  readonly invocation?: string;
  /** What holds virtual time still until the call is answered, where something does. */
  readonly work?: TrackedWork | undefined;
  /** For a service that acts for a resource: its ARN, such as the rule's. */
  readonly sourceArn?: string;
  /** True: the request comes over plain HTTP. */
  readonly isInsecure?: boolean;
}

/** The person who runs the simulation: may do everything. */
export const operator: Principal = { id: 'user' };

/** One call of one operation, as the caller's SDK would make it. */
export interface ServiceCall {
  readonly service: ServiceName;
  /** API name in PascalCase, as in the service's model: `PutItem`, `SendCommand`. */
  readonly operation: string;
  /** Parameters as the SDK for JavaScript takes them: PascalCase, `Date` for instants, `Uint8Array` for blobs. */
  readonly input: Readonly<Record<string, unknown>>;
  readonly principal: Principal;
  /** The Region whose endpoint is called. @default - the cloud's own */
  readonly region?: string | undefined;
}

/** Result of a call as the SDK for JavaScript gives it: `Date` for instants, `Uint8Array` for bodies. */
export type ServiceOutput = Readonly<Record<string, unknown>>;

/** An error that the service itself answers: same code, same wording as AWS where it is known. */
export class ServiceError extends Error {
  /** @param code Error code as on the wire: `ConditionalCheckFailedException`, `InvalidAMIName.Duplicate`.
   * @param details Further members of the modelled error, such as `Item` or `CancellationReasons`. */
  constructor(
    readonly code: string,
    message: string,
    readonly statusCode: number = 400,
    readonly details: Readonly<Record<string, unknown>> = {},
  ) {
    super(message);
    this.name = code;
  }
}

/** Something the simulator does not do. It is an error of its own kind, so that nobody takes it for an answer of AWS. */
export class UnsupportedError extends Error {
  constructor(what: string, where: string, fix: string) {
    super(`${what} is not simulated, at ${where}\n  fix: ${fix}`);
    this.name = 'Simulator.Unsupported';
  }
}

/** One simulated service: a table of its operations. */
export interface Service {
  readonly name: ServiceName;
  readonly operations: Readonly<
    Record<string, (input: never, caller: Principal) => Promise<ServiceOutput> | ServiceOutput>
  >;
}

/** Stands in the way of every call: to record it, to decide whether it is allowed, or to break it. */
export type Interceptor = (
  call: ServiceCall,
  next: (call: ServiceCall) => Promise<ServiceOutput>,
) => Promise<ServiceOutput>;

/** Services whose calls may be signed for any Region and mean the same: S3 finds a bucket by its name alone. */
const regionless: ReadonlySet<ServiceName> = new Set(['s3', 'sts']);

/** All simulated services of one account and Region, the few that are simulated in other Regions, and the one way to call them. */
export class Cloud {
  private readonly services = new Map<ServiceName, Service>();
  private readonly servicesElsewhere = new Map<ServiceName, (region: string) => Service>();
  /** From the first interceptor to the service. */
  private chain = (call: ServiceCall): Promise<ServiceOutput> => this.dispatch(call);

  constructor(
    readonly region: string,
    readonly accountId: string,
  ) {}

  /** Adds a service. A second one of the same name is a mistake of ours. */
  add(service: Service): void {
    if (this.services.has(service.name)) throw new Error(`The service ${service.name} is simulated twice`);
    this.services.set(service.name, service);
  }

  /** Lets a service be called in other Regions as well. Without it, a call there is refused as not simulated.
   * @param serviceIn Gives the service of a Region, the same one each time. */
  addElsewhere(name: ServiceName, serviceIn: (region: string) => Service): void {
    this.servicesElsewhere.set(name, serviceIn);
  }

  /** Adds an interceptor around those already there: the last one added sees a call first. */
  intercept(interceptor: Interceptor): void {
    const next = this.chain;
    this.chain = (call) => interceptor(call, next);
  }

  /** Calls an operation.
   * @throws ServiceError what the service answers instead of a result
   * @throws UnsupportedError when the service or the operation is not simulated */
  call(call: ServiceCall): Promise<ServiceOutput> {
    return this.chain(call);
  }

  private async dispatch(call: ServiceCall): Promise<ServiceOutput> {
    const operation = this.serviceOf(call)?.operations[call.operation];
    if (operation === undefined) {
      throw new UnsupportedError(
        `${call.service}:${call.operation}${this.isElsewhere(call) ? ` in ${call.region}` : ''}`,
        `a call by ${call.principal.session ?? call.principal.id}`,
        'leave the call out of what you run locally, or give a stand-in for what makes it',
      );
    }
    return operation(call.input as never, call.principal);
  }

  private serviceOf(call: ServiceCall): Service | undefined {
    return this.isElsewhere(call)
      ? this.servicesElsewhere.get(call.service)?.(call.region)
      : this.services.get(call.service);
  }

  private isElsewhere(call: ServiceCall): call is ServiceCall & { readonly region: string } {
    return call.region !== undefined && call.region !== this.region && !regionless.has(call.service);
  }
}
