/** A small stack for tests of the simulator, written without CDK: synthesizing takes longer than most of these tests. */
import { writeAssembly } from '../template/written-assembly';

type Properties = Readonly<Record<string, unknown>>;

/** Collects resources and writes them as an assembly. */
export class SmallStack {
  private readonly resources: Record<string, object> = {};
  private readonly files: Record<string, string> = {};

  add(logicalId: string, Type: string, Properties: Properties = {}): this {
    this.resources[logicalId] = { Type, Properties };
    return this;
  }

  /** A function whose code is that text, as `index.js`. */
  function(logicalId: string, code: string, more: Properties = {}): this {
    this.files[`${logicalId}.zip/index.js`] = code;
    return this.add(logicalId, 'AWS::Lambda::Function', {
      Handler: 'index.handler',
      Runtime: 'nodejs24.x',
      Role: 'arn:aws:iam::111122223333:role/function',
      Timeout: 10,
      Code: { S3Bucket: 'assets', S3Key: `${logicalId}.zip` },
      ...more,
    });
  }

  /** `${Id}` and `${Id.Arn}` in the definition are what other resources answer to Ref and GetAtt. */
  stateMachine(logicalId: string, definition: object): this {
    return this.add(logicalId, 'AWS::StepFunctions::StateMachine', {
      RoleArn: 'arn:aws:iam::111122223333:role/machine',
      DefinitionString: { 'Fn::Sub': JSON.stringify(definition) },
    });
  }

  /** A rule on the default bus for one target, which it reaches with a role of somewhere else: nobody decides about that one. */
  rule(
    logicalId: string,
    eventPattern: object,
    targetArn: object | string,
    target: Properties = {},
    more: Properties = {},
  ): this {
    return this.add(logicalId, 'AWS::Events::Rule', {
      EventPattern: eventPattern,
      Targets: [{ Id: 'Target', Arn: targetArn, RoleArn: 'arn:aws:iam::111122223333:role/rule', ...target }],
      ...more,
    });
  }

  /** @returns the directory of the assembly */
  write(): string {
    return writeAssembly({ Small: { Resources: this.resources } }, this.files);
  }
}

/** Code of a typed handler: the contract of `defineTask`, without its bundle. */
export function typedHandler(body: string): string {
  return `const run = (runtime) => async (event, invocation) => { ${body} };
exports.handler = Object.assign(async () => { throw new Error('ran without the simulator'); }, { withRuntime: run });`;
}

export const arnOf = (logicalId: string) => ({ 'Fn::GetAtt': [logicalId, 'Arn'] });
