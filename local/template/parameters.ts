/** Values of a template's parameters: those given, else defaults, else what the environment is known to hold. */
import { stableHash } from './stable-hash';
import { UnknownValue } from './intrinsic-functions';
import type { TemplateParameter } from './template';

/** Values for parameters by their name in the template, and for SSM parameters by their path. */
export type ParameterValues = Readonly<Record<string, string | readonly string[]>>;

/** @returns the parameter's value, or an unknown one that says how to give it */
export function parameterValue(
  name: string,
  parameter: TemplateParameter,
  given: ParameterValues,
  stackName: string,
): unknown {
  const value = given[name] ?? parameter.Default;
  if (value === undefined) {
    return new UnknownValue(
      `The parameter ${name} of the stack ${stackName}, which has no default,`,
      `pass its value: simulate(app, { parameters: { ${name}: '…' } })`,
    );
  }
  if (parameter.Type.startsWith('AWS::SSM::Parameter::Value')) {
    return name in given ? value : storedParameterValue(String(value), given);
  }
  const isList = parameter.Type === 'CommaDelimitedList' || parameter.Type.startsWith('List<');
  return isList && typeof value === 'string' ? value.split(',').map((item) => item.trim()) : value;
}

/** Value of a parameter in SSM Parameter Store that exists before the deployment. */
export function storedParameterValue(path: string, given: ParameterValues): unknown {
  const value = given[path];
  if (value !== undefined) return value;
  // Amazon publishes the newest image ids there. Which one it is changes nothing a workflow sees.
  if (/^\/aws\/service\/(ami|bottlerocket|ecs|eks|canonical|debian)/.test(path))
    return `ami-${stableHash(path).slice(0, 17)}`;
  if (/^\/cdk-bootstrap\/[^/]+\/version$/.test(path)) return '30';
  return new UnknownValue(
    `The SSM parameter ${path}, which the template expects to exist,`,
    `pass its value: simulate(app, { parameters: { '${path}': '…' } })`,
  );
}
