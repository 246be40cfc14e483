import { simulate, UnsupportedError } from '../../local';
import { writeAssembly } from './written-assembly';

/** Resolves values by giving them out as outputs of a stack named Main. */
async function resolve(
  values: Record<string, unknown>,
  template: object = {},
  options = {},
): Promise<Record<string, unknown>> {
  const Outputs = Object.fromEntries(Object.entries(values).map(([name, Value]) => [name, { Value }]));
  const simulation = await simulate(writeAssembly({ Main: { ...template, Outputs } }), options);
  await simulation.close();
  return { ...simulation.outputs['Main'] };
}

const bus = { Type: 'AWS::Events::EventBus', Properties: { Name: 'orders' } };

test('Ref and Fn::GetAtt give what the created resource answers, in either notation', async () => {
  const values = {
    ref: { Ref: 'Bus' },
    list: { 'Fn::GetAtt': ['Bus', 'Arn'] },
    dotted: { 'Fn::GetAtt': 'Bus.Arn' },
    joined: { 'Fn::Join': ['/', [{ Ref: 'Bus' }, 'x']] },
    substituted: { 'Fn::Sub': ['${Bus} ${Bus.Arn} ${own} ${!literal} ${AWS::Region}', { own: { Ref: 'Bus' } }] },
  };
  expect(await resolve(values, { Resources: { Bus: bus } })).toEqual({
    ref: 'orders',
    list: 'arn:aws:events:eu-west-1:111122223333:event-bus/orders',
    dotted: 'arn:aws:events:eu-west-1:111122223333:event-bus/orders',
    joined: 'orders/x',
    substituted: 'orders arn:aws:events:eu-west-1:111122223333:event-bus/orders orders ${literal} eu-west-1',
  });
});

test('functions of known values compute as CloudFormation does', async () => {
  const values = {
    select: { 'Fn::Select': ['1', { 'Fn::Split': [',', 'a,b,c'] }] },
    base64: { 'Fn::Base64': { 'Fn::Sub': '#!/bin/bash\necho ${AWS::StackName}' } },
    zones: { 'Fn::GetAZs': '' },
    cidr: { 'Fn::Cidr': ['10.0.0.0/16', 3, '8'] },
    mapped: { 'Fn::FindInMap': ['Sizes', { Ref: 'AWS::Region' }, 'size'] },
    missing: { 'Fn::FindInMap': ['Sizes', 'mars-1', 'size', { DefaultValue: 'none' }] },
    length: { 'Fn::Length': { 'Fn::Split': [',', 'a,b,c'] } },
    json: { 'Fn::ToJsonString': { name: { Ref: 'AWS::AccountId' } } },
  };
  expect(await resolve(values, { Mappings: { Sizes: { 'eu-west-1': { size: 'small' } } } })).toEqual({
    select: 'b',
    base64: Buffer.from('#!/bin/bash\necho Main').toString('base64'),
    zones: ['eu-west-1a', 'eu-west-1b', 'eu-west-1c'],
    cidr: ['10.0.0.0/24', '10.0.1.0/24', '10.0.2.0/24'],
    mapped: 'small',
    missing: 'none',
    length: 3,
    json: '{"name":"111122223333"}',
  });
});

test('conditions choose branches, create or leave out resources, and AWS::NoValue leaves out a property', async () => {
  const template = {
    Parameters: { Stage: { Type: 'String', Default: 'test' } },
    Conditions: {
      IsProduction: { 'Fn::Equals': [{ Ref: 'Stage' }, 'production'] },
      IsTest: {
        'Fn::And': [
          { 'Fn::Not': [{ Condition: 'IsProduction' }] },
          { 'Fn::Or': [{ 'Fn::Equals': [1, 1] }, { Condition: 'IsProduction' }] },
        ],
      },
    },
    Resources: { Bus: bus, Never: { ...bus, Condition: 'IsProduction' } },
  };
  const values = {
    branch: { 'Fn::If': ['IsProduction', { Ref: 'Never' }, 'not in production'] },
    other: { 'Fn::If': ['IsTest', 'in test', 'no'] },
    without: { kept: 1, left: { 'Fn::If': ['IsTest', { Ref: 'AWS::NoValue' }, 1] } },
  };
  expect(await resolve(values, template)).toEqual({
    branch: 'not in production',
    other: 'in test',
    without: { kept: 1 },
  });
});

test('parameters take given values, defaults, and what SSM would hold', async () => {
  const template = {
    Parameters: {
      Name: { Type: 'String', Default: 'default' },
      List: { Type: 'CommaDelimitedList', Default: 'a, b' },
      Image: {
        Type: 'AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>',
        Default: '/aws/service/ami-amazon-linux-latest/al2023',
      },
      Stored: { Type: 'AWS::SSM::Parameter::Value<String>', Default: '/mine' },
    },
  };
  const values = {
    name: { Ref: 'Name' },
    list: { Ref: 'List' },
    image: { Ref: 'Image' },
    stored: { Ref: 'Stored' },
    dynamic: 'x-{{resolve:ssm:/mine}}',
  };
  const options = { parameters: { Name: 'given', '/mine': 'kept' } };
  expect(await resolve(values, template, options)).toEqual({
    name: 'given',
    list: ['a', 'b'],
    image: expect.stringMatching(/^ami-[0-9a-f]{17}$/),
    stored: 'kept',
    dynamic: 'x-kept',
  });
});

test('a parameter without a value is refused by name where it is used, and only there', async () => {
  const template = { Parameters: { Secret: { Type: 'String' } } };
  await expect(resolve({ secret: { Ref: 'Secret' } }, template)).rejects.toThrow(
    /parameter Secret of the stack Main.*Main\.Outputs\.secret/s,
  );
  expect(await resolve({ fine: 'fine' }, template)).toEqual({ fine: 'fine' });
});

test('a stack reads what an earlier one exports, whatever order the manifest has', async () => {
  const directory = writeAssembly({
    First: { Resources: { Bus: bus }, Outputs: { Name: { Value: { Ref: 'Bus' }, Export: { Name: 'First:Name' } } } },
    Second: { Outputs: { Imported: { Value: { 'Fn::ImportValue': 'First:Name' } } } },
  });
  const simulation = await simulate(directory);
  expect(simulation.outputs['Second']).toEqual({ Imported: 'orders' });
});

test('a nested stack gets its parameters and gives its outputs', async () => {
  const nested = {
    Parameters: { BusName: { Type: 'String' } },
    Resources: { Inner: { Type: 'AWS::Events::EventBus', Properties: { Name: { Ref: 'BusName' } } } },
    Outputs: { InnerArn: { Value: { 'Fn::GetAtt': ['Inner', 'Arn'] } } },
  };
  const main = {
    Resources: {
      Nested: {
        Type: 'AWS::CloudFormation::Stack',
        Properties: {
          TemplateURL: { 'Fn::Sub': 'https://s3.${AWS::Region}.${AWS::URLSuffix}/assets/nested.json' },
          Parameters: { BusName: 'inner' },
        },
      },
    },
    Outputs: { Arn: { Value: { 'Fn::GetAtt': ['Nested', 'Outputs.InnerArn'] } } },
  };
  const simulation = await simulate(writeAssembly({ Main: main }, { 'nested.json': JSON.stringify(nested) }));
  expect(simulation.outputs['Main']).toEqual({ Arn: 'arn:aws:events:eu-west-1:111122223333:event-bus/inner' });
  expect(simulation.resources.map((resource) => resource.logicalId)).toEqual(['Inner', 'Nested']);
});

test('a resource waits for what it refers to, in properties, DependsOn and Fn::Sub', async () => {
  const rule = (name: object | string, more: object = {}) => ({
    Type: 'AWS::Events::Rule',
    Properties: { EventBusName: name, EventPattern: { source: ['x'] } },
    ...more,
  });
  const simulation = await simulate(
    writeAssembly({
      Main: {
        Resources: {
          Third: rule('default', { DependsOn: 'Second' }),
          Second: rule({ 'Fn::Sub': '${First}' }),
          First: bus,
        },
      },
    }),
  );
  expect(simulation.resources.map((resource) => resource.logicalId)).toEqual(['First', 'Second', 'Third']);
});

test('rejects resources that refer to each other in a circle, by name', async () => {
  const circle = (other: string) => ({ Type: 'AWS::Events::EventBus', Properties: { Name: { Ref: other } } });
  const directory = writeAssembly({ Main: { Resources: { A: circle('B'), B: circle('C'), C: circle('A') } } });
  await expect(simulate(directory)).rejects.toThrow('A → B → C → A');
});

test('a type that is not simulated is recorded, and refused only where something has to use it', async () => {
  const Resources = {
    Database: { Type: 'AWS::RDS::DBInstance' },
    Dashboard: {
      Type: 'AWS::CloudWatch::Dashboard',
      Properties: { DashboardBody: { 'Fn::Sub': '${Database.Endpoint.Address}' } },
    },
  };
  const simulation = await simulate(writeAssembly({ Main: { Resources } }));
  expect(simulation.unsupported).toEqual([
    { logicalId: 'Database', type: 'AWS::RDS::DBInstance', stackName: 'Main', constructPath: 'Database' },
  ]);
  const machine = {
    Type: 'AWS::StepFunctions::StateMachine',
    Properties: {
      RoleArn: 'arn:aws:iam::111122223333:role/x',
      DefinitionString: { 'Fn::Sub': '{"Comment": "${Database.Endpoint.Address}"}' },
    },
  };
  const used = simulate(writeAssembly({ Main: { Resources: { ...Resources, Machine: machine } } }));
  await expect(used).rejects.toThrow(UnsupportedError);
  await expect(used).rejects.toThrow(
    /attribute Endpoint\.Address of Database \(AWS::RDS::DBInstance\).*Machine \(AWS::StepFunctions::StateMachine\)\.DefinitionString/s,
  );
});

test('rejects an intrinsic function that it does not know, and a directory without an assembly', async () => {
  await expect(resolve({ value: { 'Fn::Transform': {} } })).rejects.toThrow('Fn::Transform');
  await expect(simulate('/nowhere')).rejects.toThrow('There is no synthesized CDK assembly');
});

test('names without a given one are those of CloudFormation, the same in each run', async () => {
  const template = { Resources: { MyRole: { Type: 'AWS::IAM::Role' } } };
  const first = await resolve({ name: { Ref: 'MyRole' } }, template);
  const other = await resolve({ name: { Ref: 'MyRole' } }, template, { seed: '2' });
  expect(first['name']).toMatch(/^Main-MyRole-[0-9A-F]{12}$/);
  expect(other).toEqual(first);
});
