/** The Parameter Store of the simulated SSM. */
import { ServiceError, type ServiceOutput } from './service';
import { checkSsmParameters, type Input, invalidValue, type SsmOptions } from './ssm-model';

interface StoredParameter {
  readonly name: string;
  readonly type: string;
  readonly dataType: string;
  readonly value: string;
  readonly version: number;
  readonly modifiedAtMs: number;
}

/** How long SSM takes to find out whether an image exists. Virtual; AWS states no figure. */
const imageValidationMs = 5_000;

/** The parameters of the account, by name; only the newest version is kept. */
export class SsmParameters {
  readonly all = new Map<string, StoredParameter>();

  constructor(private readonly options: SsmOptions) {}

  putParameter(input: Input): ServiceOutput {
    checkSsmParameters('PutParameter', input, {
      required: ['Name', 'Value'],
      optional: ['Type', 'Overwrite', 'DataType', 'Description', 'Tier', 'Tags'],
    });
    const name = input['Name'] as string;
    const earlier = this.all.get(name);
    if (earlier !== undefined && input['Overwrite'] !== true) {
      throw new ServiceError(
        'ParameterAlreadyExists',
        'The parameter already exists. To overwrite this value, set the overwrite option in the request to true.',
      );
    }
    const type = (input['Type'] as string | undefined) ?? earlier?.type;
    if (type === undefined)
      throw new ServiceError('ValidationException', 'A parameter type is required when you create a parameter.');
    const dataType = (input['DataType'] as string | undefined) ?? earlier?.dataType ?? 'text';
    const value = input['Value'] as string;
    if (dataType === 'aws:ec2:image' && !/^ami-([0-9a-f]{8}|[0-9a-f]{17})$/.test(value)) {
      throw new ServiceError('ValidationException', `Invalid parameter value ${value} for data type aws:ec2:image`);
    }
    const version = (earlier?.version ?? 0) + 1;
    const stored: StoredParameter = { name, type, dataType, value, version, modifiedAtMs: this.options.clock.nowMs() };
    if (dataType === 'aws:ec2:image') this.storeIfImageExists(stored);
    else this.all.set(name, stored);
    return { Version: version, Tier: 'Standard' };
  }

  getParameter(input: Input): ServiceOutput {
    checkSsmParameters('GetParameter', input, { required: ['Name'], optional: ['WithDecryption'] });
    const parameter = this.all.get(this.nameOf(input['Name'] as string));
    if (parameter === undefined) throw new ServiceError('ParameterNotFound', '');
    return { Parameter: this.describe(parameter) };
  }

  getParameters(input: Input): ServiceOutput {
    checkSsmParameters('GetParameters', input, { required: ['Names'], optional: ['WithDecryption'] });
    const names = input['Names'] as readonly string[];
    if (names.length > 10)
      throw invalidValue('Names', `[${names.join(', ')}]`, 'Member must have length less than or equal to 10');
    const found = names.map((name) => this.all.get(this.nameOf(name))).filter((parameter) => parameter !== undefined);
    return {
      Parameters: found.map((parameter) => this.describe(parameter)),
      InvalidParameters: names.filter((name) => !this.all.has(this.nameOf(name))),
    };
  }

  deleteParameter(input: Input): ServiceOutput {
    checkSsmParameters('DeleteParameter', input, { required: ['Name'] });
    if (!this.all.delete(this.nameOf(input['Name'] as string))) throw new ServiceError('ParameterNotFound', '');
    return {};
  }

  /** PutParameter answers before it knows: a value that names no available image never arrives. */
  private storeIfImageExists(parameter: StoredParameter): void {
    this.options.clock.schedule(imageValidationMs, () => {
      const image = this.options.ec2.images.all.get(parameter.value);
      const isNewest = (this.all.get(parameter.name)?.version ?? 0) < parameter.version;
      if (image?.state === 'available' && isNewest) this.all.set(parameter.name, parameter);
    });
  }

  private nameOf(nameOrArn: string): string {
    const inArn = /^arn:[^/]*:parameter(\/.*)$/.exec(nameOrArn)?.[1];
    if (inArn === undefined) return nameOrArn;
    return this.all.has(inArn) ? inArn : inArn.slice(1);
  }

  private describe(parameter: StoredParameter): Record<string, unknown> {
    const path = parameter.name.startsWith('/') ? parameter.name : `/${parameter.name}`;
    return {
      Name: parameter.name,
      Type: parameter.type,
      Value: parameter.value,
      Version: parameter.version,
      LastModifiedDate: new Date(parameter.modifiedAtMs),
      ARN: `arn:aws:ssm:${this.options.region}:${this.options.accountId}:parameter${path}`,
      DataType: parameter.dataType,
    };
  }
}
