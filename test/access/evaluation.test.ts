import { compilePolicy } from '../../local/access/policy';
import { evaluate, type Policies } from '../../local/access/evaluate';
import type { Requester } from '../../local/access/policy-principal';
import { createContext, type ContextKeys } from '../../local/access/request-context';

const account = '111122223333';
const roleArn = `arn:aws:iam::${account}:role/Worker`;
const sessionArn = `arn:aws:sts::${account}:assumed-role/Worker/i-1`;
const role: Requester = { kind: 'role', arn: roleArn, sessionArn, accountId: account };
const events: Requester = { kind: 'service', name: 'events.amazonaws.com' };

type Statement = Readonly<Record<string, unknown>>;

interface Row {
  readonly identity?: readonly Statement[];
  readonly resource?: readonly Statement[];
  readonly boundary?: readonly Statement[];
  readonly rule?: Policies['resourcePolicy'];
  readonly grants?: readonly string[];
  readonly by?: Requester;
  readonly action?: string;
  readonly on?: string;
  readonly keys?: ContextKeys;
}

const object = 'arn:aws:s3:::inbox/in/a.csv';
const get = 's3:GetObject';

const allow = (Action: unknown = get, Resource: unknown = '*', Condition?: object): Statement => ({
  Effect: 'Allow',
  Action,
  Resource,
  ...(Condition && { Condition }),
});
const deny = (Action: unknown = get, Resource: unknown = '*', Condition?: object): Statement => ({
  ...allow(Action, Resource, Condition),
  Effect: 'Deny',
});
const to = (Principal: unknown, statement: Statement = allow()): Statement => ({ ...statement, Principal });
const ifAllowed = (Condition: object): readonly Statement[] => [allow(get, '*', Condition)];

/** What is decided: `allowed`, or the reason of the denial, or the beginning of a refusal of the simulator. */
function decisionOf(row: Row): string {
  const { identity = [], resource = [], boundary, rule = 'enough', grants, by = role, action = get, on = object } = row;
  const decision = evaluate(
    {
      identity: compilePolicy({ Statement: identity }, 'Identity', 'identity'),
      resource: compilePolicy({ Statement: resource }, 'Resource', 'resource'),
      resourcePolicy: rule,
      ...(boundary && { boundary: compilePolicy({ Statement: boundary }, 'Boundary', 'identity') }),
      ...(grants && { grants }),
    },
    { requester: by, action, resource: on, context: createContext(action, row.keys) },
  );
  return decision.isAllowed ? 'allowed' : decision.reason;
}

const yes = 'allowed';
const no = 'implicit-identity';

describe('which policies are asked', () => {
  const rows: readonly (readonly [string, Row, string])[] = [
    ['nothing allows: denied', {}, no],
    ['an identity policy allows', { identity: [allow()] }, yes],
    ['another action is not it', { identity: [allow('s3:PutObject')] }, no],
    ['an explicit deny wins over an allow', { identity: [allow(), deny()] }, 'explicit-identity'],
    ['the order of statements does not matter', { identity: [deny(), allow()] }, 'explicit-identity'],
    [
      'a deny whose condition does not hold denies nothing',
      {
        identity: [allow(), deny(get, '*', { Bool: { 'aws:SecureTransport': 'false' } })],
        keys: { 'aws:securetransport': 'true' },
      },
      yes,
    ],
    ['a deny in the resource policy wins', { identity: [allow()], resource: [to('*', deny())] }, 'explicit-resource'],
    [
      'a deny for others does not concern this one',
      { identity: [allow()], resource: [to({ AWS: 'arn:aws:iam::111122223333:role/Other' }, deny())] },
      yes,
    ],
    ['the resource policy alone is enough within the account: the role', { resource: [to({ AWS: roleArn })] }, yes],
    ['the resource policy alone is enough: the session', { resource: [to({ AWS: sessionArn })] }, yes],
    ['the resource policy alone is enough: everybody', { resource: [to('*')] }, yes],
    ['the account in a resource policy leaves it to the identity policies', { resource: [to({ AWS: account })] }, no],
    ['so does its root', { resource: [to({ AWS: `arn:aws:iam::${account}:root` })] }, no],
    [
      'a deny for the account concerns all its roles',
      { identity: [allow()], resource: [to({ AWS: account }, deny())] },
      'explicit-resource',
    ],
    [
      'a resource policy for another role is none',
      { resource: [to({ AWS: 'arn:aws:iam::111122223333:role/Other' })] },
      no,
    ],
    [
      'a resource policy for a service does not concern a role',
      { resource: [to({ Service: 'events.amazonaws.com' })] },
      no,
    ],
    [
      'NotPrincipal denies everybody but those it names',
      {
        identity: [allow()],
        resource: [
          { Effect: 'Deny', NotPrincipal: { AWS: 'arn:aws:iam::111122223333:role/Other' }, Action: get, Resource: '*' },
        ],
      },
      'explicit-resource',
    ],
    [
      'NotPrincipal spares whom it names',
      {
        identity: [allow()],
        resource: [{ Effect: 'Deny', NotPrincipal: { AWS: roleArn }, Action: get, Resource: '*' }],
      },
      yes,
    ],
    [
      'a boundary that does not allow it denies',
      { identity: [allow()], boundary: [allow('s3:PutObject')] },
      'implicit-boundary',
    ],
    ['a boundary that allows it adds nothing by itself', { boundary: [allow()] }, no],
    ['identity policy and boundary together allow', { identity: [allow()], boundary: [allow('s3:*')] }, yes],
    ['a deny in the boundary wins', { identity: [allow()], boundary: [allow(), deny()] }, 'explicit-boundary'],
    [
      'a boundary limits what a resource policy gives a role',
      { resource: [to({ AWS: roleArn })], boundary: [allow('s3:PutObject')] },
      'implicit-boundary',
    ],
    [
      'a boundary does not limit what a resource policy gives a session',
      { resource: [to({ AWS: sessionArn })], boundary: [allow('s3:PutObject')] },
      yes,
    ],
    ['a service has only resource policies', { by: events, identity: [allow()] }, 'implicit-resource'],
    [
      'a service that the resource policy names',
      { by: events, resource: [to({ Service: 'events.amazonaws.com' })] },
      yes,
    ],
    [
      'another service than the resource policy names',
      { by: events, resource: [to({ Service: 'sns.amazonaws.com' })] },
      'implicit-resource',
    ],
    ['everybody includes services', { by: events, resource: [to({ AWS: '*' })] }, yes],
    [
      'a deny for everybody includes services',
      { by: events, resource: [to({ Service: 'events.amazonaws.com' }), to('*', deny())] },
      'explicit-resource',
    ],
    [
      'a key policy that names nobody: denied, whatever the role may',
      { rule: 'key', identity: [allow('kms:*')], action: 'kms:Decrypt' },
      'implicit-resource',
    ],
    [
      'a key policy for the account, and an identity policy',
      {
        rule: 'key',
        identity: [allow('kms:Decrypt')],
        resource: [to({ AWS: account }, allow('kms:*'))],
        action: 'kms:Decrypt',
      },
      yes,
    ],
    [
      'a key policy for the account, and no identity policy',
      { rule: 'key', resource: [to({ AWS: account }, allow('kms:*'))], action: 'kms:Decrypt' },
      no,
    ],
    [
      'a key policy for the role',
      { rule: 'key', resource: [to({ AWS: roleArn }, allow('kms:Decrypt'))], action: 'kms:Decrypt' },
      yes,
    ],
    ['a grant of a key', { rule: 'key', grants: ['kms:Decrypt'], action: 'kms:Decrypt' }, yes],
    [
      'a grant of a key for another operation',
      { rule: 'key', grants: ['kms:Encrypt'], action: 'kms:Decrypt' },
      'implicit-resource',
    ],
    [
      'a deny in the key policy wins over a grant',
      { rule: 'key', grants: ['kms:Decrypt'], resource: [to('*', deny('kms:*'))], action: 'kms:Decrypt' },
      'explicit-resource',
    ],
    [
      'a role to assume must trust',
      {
        rule: 'trust',
        by: events,
        action: 'sts:AssumeRole',
        resource: [to({ Service: 'events.amazonaws.com' }, allow('sts:AssumeRole'))],
      },
      yes,
    ],
    [
      'a role that trusts another',
      {
        rule: 'trust',
        by: events,
        action: 'sts:AssumeRole',
        resource: [to({ Service: 'lambda.amazonaws.com' }, allow('sts:AssumeRole'))],
      },
      'implicit-resource',
    ],
    ['another account needs both: only here', { rule: 'other-account', identity: [allow()] }, 'implicit-resource'],
    ['another account needs both: only there', { rule: 'other-account', resource: [to({ AWS: account })] }, no],
    [
      'another account needs both: here and there',
      { rule: 'other-account', identity: [allow()], resource: [to({ AWS: account })] },
      yes,
    ],
  ];
  test.each(rows)('%s', (_, row, expected) => expect(decisionOf(row)).toBe(expected));
});

describe('actions and resources', () => {
  const rows: readonly (readonly [string, Row, string])[] = [
    ['names of actions ignore case', { identity: [allow('S3:getobject')] }, yes],
    ['* stands for any characters', { identity: [allow('s3:Get*')] }, yes],
    ['? stands for one character', { identity: [allow('s3:Get?bject')] }, yes],
    ['? does not stand for none', { identity: [allow('s3:GetObject?')] }, no],
    ['a lone * is every action', { identity: [allow('*')] }, yes],
    ['one of several actions', { identity: [allow(['s3:PutObject', get])] }, yes],
    ['NotAction allows the others', { identity: [{ Effect: 'Allow', NotAction: 's3:PutObject', Resource: '*' }] }, yes],
    [
      'NotAction does not allow what it names',
      { identity: [{ Effect: 'Allow', NotAction: 's3:*', Resource: '*' }] },
      no,
    ],
    [
      'NotAction with Deny denies the others',
      { identity: [allow(), { Effect: 'Deny', NotAction: 'sqs:*', Resource: '*' }] },
      'explicit-identity',
    ],
    ['ARNs heed case', { identity: [allow(get, 'arn:aws:s3:::Inbox/*')] }, no],
    ['a prefix of keys', { identity: [allow(get, 'arn:aws:s3:::inbox/in/*')] }, yes],
    ['another prefix', { identity: [allow(get, 'arn:aws:s3:::inbox/out/*')] }, no],
    ['* crosses slashes', { identity: [allow(get, 'arn:aws:s3:::inbox/*.csv')] }, yes],
    ['a bucket is not its objects', { identity: [allow(get, 'arn:aws:s3:::inbox')] }, no],
    [
      '* does not cross the parts of an ARN',
      {
        identity: [allow('sqs:SendMessage', 'arn:aws:sqs:*:queue')],
        action: 'sqs:SendMessage',
        on: 'arn:aws:sqs:eu-west-1:111122223333:queue',
      },
      no,
    ],
    [
      '* for one part of an ARN',
      {
        identity: [allow('sqs:SendMessage', 'arn:aws:sqs:*:*:queue')],
        action: 'sqs:SendMessage',
        on: 'arn:aws:sqs:eu-west-1:111122223333:queue',
      },
      yes,
    ],
    [
      'a named resource does not cover an action without resources',
      {
        identity: [allow('ssm:ListCommands', 'arn:aws:ssm:eu-west-1:111122223333:*')],
        action: 'ssm:ListCommands',
        on: '*',
      },
      no,
    ],
    [
      'NotResource allows the others',
      { identity: [{ Effect: 'Allow', Action: get, NotResource: 'arn:aws:s3:::other/*' }] },
      yes,
    ],
    [
      'NotResource does not allow what it names',
      { identity: [{ Effect: 'Allow', Action: get, NotResource: 'arn:aws:s3:::inbox/*' }] },
      no,
    ],
    [
      'a variable in a resource',
      {
        identity: [allow(get, 'arn:aws:s3:::inbox/${aws:PrincipalTag/folder}/*')],
        keys: { 'aws:principaltag/folder': 'in' },
      },
      yes,
    ],
    [
      'a variable with another value',
      {
        identity: [allow(get, 'arn:aws:s3:::inbox/${aws:PrincipalTag/folder}/*')],
        keys: { 'aws:principaltag/folder': 'out' },
      },
      no,
    ],
    [
      'a variable without a value lets nothing match',
      { identity: [allow(get, 'arn:aws:s3:::inbox/${aws:PrincipalTag/folder}*')] },
      no,
    ],
    [
      'a variable with a default',
      { identity: [allow(get, "arn:aws:s3:::inbox/${aws:PrincipalTag/folder, 'in'}/*")] },
      yes,
    ],
    [
      'a wildcard in a value is no wildcard',
      {
        identity: [allow(get, 'arn:aws:s3:::inbox/${aws:PrincipalTag/folder}/a.csv')],
        keys: { 'aws:principaltag/folder': '*' },
      },
      no,
    ],
    ['${*} is a star', { identity: [allow(get, 'arn:aws:s3:::inbox/${*}')], on: 'arn:aws:s3:::inbox/*' }, yes],
    [
      'a star in a key is no wildcard',
      { identity: [allow(get, 'arn:aws:s3:::inbox/in/a.csv')], on: 'arn:aws:s3:::inbox/*' },
      no,
    ],
    [
      "an identity pool's identity",
      {
        identity: [allow(get, 'arn:aws:s3:::inbox/${cognito-identity.amazonaws.com:sub}/*')],
        keys: { 'cognito-identity.amazonaws.com:sub': 'in' },
      },
      yes,
    ],
  ];
  test.each(rows)('%s', (_, row, expected) => expect(decisionOf(row)).toBe(expected));
});

describe('conditions', () => {
  const tag = 'aws:ResourceTag/team';
  const team = (value: string): ContextKeys => ({ 'aws:resourcetag/team': value });
  const tags = (...names: readonly string[]): ContextKeys => ({ 'aws:tagkeys': names });
  const instance = { 'aws:sourcearn': 'arn:aws:events:eu-west-1:111122223333:rule/one' };
  const at = { 'aws:currenttime': '2026-01-01T09:00:00Z' };
  const rows: readonly (readonly [string, object, ContextKeys | undefined, boolean])[] = [
    ['StringEquals with the value', { StringEquals: { [tag]: 'a' } }, team('a'), true],
    ['StringEquals heeds case', { StringEquals: { [tag]: 'A' } }, team('a'), false],
    ['StringEquals knows no wildcards', { StringEquals: { [tag]: 'a*' } }, team('ab'), false],
    ['StringEquals without the key', { StringEquals: { [tag]: 'a' } }, undefined, false],
    ['one of several values', { StringEquals: { [tag]: ['b', 'a'] } }, team('a'), true],
    ['names of keys ignore case', { StringEquals: { 'AWS:resourceTAG/team': 'a' } }, team('a'), true],
    ['several keys must all hold', { StringEquals: { [tag]: 'a', 'aws:RequestTag/x': 'y' } }, team('a'), false],
    ['several operators must all hold', { StringEquals: { [tag]: 'a' }, Null: { [tag]: 'true' } }, team('a'), false],
    ['StringNotEquals with another value', { StringNotEquals: { [tag]: 'a' } }, team('b'), true],
    ['StringNotEquals with one of the values', { StringNotEquals: { [tag]: ['a', 'b'] } }, team('b'), false],
    ['StringNotEquals without the key', { StringNotEquals: { [tag]: 'a' } }, undefined, true],
    ['StringEqualsIgnoreCase', { StringEqualsIgnoreCase: { [tag]: 'A' } }, team('a'), true],
    ['StringNotEqualsIgnoreCase', { StringNotEqualsIgnoreCase: { [tag]: 'A' } }, team('a'), false],
    ['StringLike', { StringLike: { [tag]: 'a*c?' } }, team('abbcd'), true],
    ['StringLike matches the whole value', { StringLike: { [tag]: 'a' } }, team('ab'), false],
    ['StringNotLike', { StringNotLike: { [tag]: 'a*' } }, team('b'), true],
    [
      'a variable in a value',
      { StringEquals: { [tag]: '${aws:PrincipalTag/team}' } },
      { ...team('a'), 'aws:principaltag/team': 'a' },
      true,
    ],
    ['ArnLike', { ArnLike: { 'aws:SourceArn': 'arn:aws:events:*:111122223333:rule/*' } }, instance, true],
    ['ArnLike compares part by part', { ArnLike: { 'aws:SourceArn': 'arn:aws:events:*:rule/one' } }, instance, false],
    ['ArnEquals does the same', { ArnEquals: { 'aws:SourceArn': 'arn:aws:events:*:*:rule/one' } }, instance, true],
    ['ArnNotLike', { ArnNotLike: { 'aws:SourceArn': 'arn:aws:events:*:*:rule/two' } }, instance, true],
    ['Bool', { Bool: { 'aws:SecureTransport': 'true' } }, { 'aws:securetransport': 'true' }, true],
    [
      'Bool with a boolean in the document',
      { Bool: { 'aws:SecureTransport': false } },
      { 'aws:securetransport': 'false' },
      true,
    ],
    ['Bool without the key', { Bool: { 'aws:MultiFactorAuthPresent': 'false' } }, undefined, false],
    ['BoolIfExists without the key', { BoolIfExists: { 'aws:MultiFactorAuthPresent': 'true' } }, undefined, true],
    ['StringEqualsIfExists with another value', { StringEqualsIfExists: { [tag]: 'a' } }, team('b'), false],
    ['Null true without the key', { Null: { [tag]: 'true' } }, undefined, true],
    ['Null false with the key', { Null: { [tag]: 'false' } }, team('a'), true],
    ['NumericLessThanEquals', { NumericLessThanEquals: { 's3:max-keys': '10' } }, { 's3:max-keys': '10' }, true],
    ['NumericGreaterThan', { NumericGreaterThan: { 's3:max-keys': 10 } }, { 's3:max-keys': '9' }, false],
    ['DateGreaterThan', { DateGreaterThan: { 'aws:CurrentTime': '2025-12-31T00:00:00Z' } }, at, true],
    ['DateLessThan with seconds since 1970', { DateLessThan: { 'aws:CurrentTime': '0' } }, at, false],
    [
      'ForAnyValue with one that matches',
      { 'ForAnyValue:StringEquals': { 'aws:TagKeys': ['a', 'b'] } },
      tags('b', 'c'),
      true,
    ],
    ['ForAnyValue without the key', { 'ForAnyValue:StringEquals': { 'aws:TagKeys': 'a' } }, undefined, false],
    [
      'ForAllValues with one too many',
      { 'ForAllValues:StringEquals': { 'aws:TagKeys': ['a', 'b'] } },
      tags('b', 'c'),
      false,
    ],
    [
      'ForAllValues with all of them',
      { 'ForAllValues:StringLike': { 'aws:TagKeys': ['a*', 'b'] } },
      tags('ab', 'b'),
      true,
    ],
    ['ForAllValues without the key', { 'ForAllValues:StringEquals': { 'aws:TagKeys': 'a' } }, undefined, true],
    [
      'ForAnyValue with a negated operator',
      { 'ForAnyValue:StringNotEquals': { 'aws:TagKeys': 'a' } },
      tags('a', 'b'),
      true,
    ],
    [
      'ForAllValues with a negated operator',
      { 'ForAllValues:StringNotEquals': { 'aws:TagKeys': 'a' } },
      tags('a', 'b'),
      false,
    ],
    ['one value where several are possible', { StringEquals: { 'aws:TagKeys': 'a' } }, tags('a'), true],
    ['a key of another service is absent', { StringEquals: { 'ec2:CreateAction': 'CreateImage' } }, undefined, false],
  ];
  test.each(rows)('%s', (_, condition, keys, holds) => {
    expect(decisionOf({ identity: ifAllowed(condition), ...(keys && { keys }) })).toBe(holds ? yes : no);
  });

  test.each([
    ['203.0.113.0/24', '203.0.113.77', true],
    ['203.0.113.0/25', '203.0.113.177', false],
    ['203.0.113.77', '203.0.113.77', true],
    ['2001:db8::/32', '2001:db8:1::1', true],
  ])('addresses in %s: %s', (network, address, holds) => {
    const identity = compilePolicy(
      { Statement: ifAllowed({ IpAddress: { 'aws:SourceIp': network } }) },
      'P',
      'identity',
    );
    expect(identity[0]!.applies(object, (key) => (key === 'aws:sourceip' ? address : undefined))).toBe(holds);
  });
});

describe('what is not simulated', () => {
  const unknownKey = { StringEquals: { 's3:LocationConstraint': 'eu-west-1' } };
  test.each([
    ['an operator', { identity: ifAllowed({ StringSounds: { 'aws:userid': 'a' } }) }, 'StringSounds'],
    ['a key', { identity: ifAllowed(unknownKey) }, 's3:locationconstraint'],
    ['a key in a deny', { identity: [allow(), deny(get, '*', unknownKey)] }, 's3:locationconstraint'],
    ['a key in a resource policy', { resource: [to('*', allow(get, '*', unknownKey))] }, 's3:locationconstraint'],
    ['a kind of principal', { resource: [to({ Planet: 'Mars' })] }, 'Planet'],
    [
      'several values for an operator of one',
      { identity: ifAllowed({ StringEquals: { 'aws:TagKeys': 'a' } }), keys: { 'aws:tagkeys': ['a', 'b'] } },
      'ForAnyValue:StringEquals',
    ],
  ] as readonly (readonly [string, Row, string])[])('%s is refused by name where it decides', (_, row, name) => {
    expect(() => decisionOf(row)).toThrow(name);
  });

  test.each([
    [
      'another condition fails anyway',
      { identity: ifAllowed({ ...unknownKey, Bool: { 'aws:SecureTransport': 'true' } }) },
      no,
    ],
    ['another statement allows it anyway', { identity: [...ifAllowed(unknownKey), allow()] }, yes],
    ['an explicit deny comes before', { identity: [deny(), ...ifAllowed(unknownKey)] }, 'explicit-identity'],
    ['the action is another', { identity: [allow(), deny('s3:PutObject', '*', unknownKey)] }, yes],
  ] as readonly (readonly [string, Row, string])[])('it is not asked for where %s', (_, row, expected) => {
    expect(decisionOf(row)).toBe(expected);
  });
});

test.each([
  ['an unknown element', { ...allow(), Version: 1 }, 'identity', 'unknown field Version'],
  ['no effect', { Action: get, Resource: '*' }, 'identity', 'Invalid effect'],
  ['no action', { Effect: 'Allow', Resource: '*' }, 'identity', 'must contain actions'],
  ['no resource', { Effect: 'Allow', Action: get }, 'identity', 'must contain resources'],
  ['a principal in an identity policy', to('*'), 'identity', 'should not specify a principal'],
  ['no principal in a resource policy', allow(), 'resource', 'Missing required field Principal'],
] as const)('a document with %s is malformed', (_, statement, kind, message) => {
  expect(() => compilePolicy({ Statement: [statement] }, 'P', kind)).toThrow(message);
});
