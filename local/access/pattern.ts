/** Texts of policies with wildcards and policy variables: `*`, `?`, `${aws:PrincipalTag/team}`. */
import type { ContextValue, RequestContext } from './request-context';

/** A text of a policy, ready to be compared. */
export interface Pattern {
  readonly text: string;
  /** Condition keys that the text's variables name, in lower case. */
  readonly keys: readonly string[];
  /** @returns false also where a variable has no value, or several: then AWS lets nothing match */
  readonly matches: (value: string, context: RequestContext) => boolean;
}

/** How texts are compared. */
export interface PatternOptions {
  /** `ignore-case` for names of actions; `arn` compares the six parts of an ARN one by one, so that no wildcard reaches
   * beyond its part; `text` is everything else. */
  readonly kind: 'ignore-case' | 'arn' | 'text';
  /** False: `*` and `?` are themselves. @default true */
  readonly hasWildcards?: boolean;
}

/** `${name}` or `${name, 'value if there is none'}`. `${*}`, `${?}` and `${$}` are the characters themselves. */
const variablePattern = /\$\{([^}]*)\}/g;

/** Makes a pattern of a policy's text.
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html (read 2026-11) */
export function compilePattern(text: string, options: PatternOptions): Pattern {
  if (!text.includes('${')) {
    const matches = compileText(text, options);
    return { text, keys: [], matches: (value) => matches(value) };
  }
  const keys = [...text.matchAll(variablePattern)].map(([, content]) => keyOf(content!)).filter((key) => key !== '');
  return {
    text,
    keys,
    matches: (value, context) => {
      const filled = fillIn(text, context);
      return filled !== undefined && compileText(filled, options)(value);
    },
  };
}

/** Characters that stand for themselves, where a variable gave them: a wildcard in a value must not become one of the policy. */
const literal: Readonly<Record<string, string>> = { '*': '\u{e000}', '?': '\u{e001}' };
const literals: Readonly<Record<string, string>> = { '\u{e000}': '*', '\u{e001}': '?' };

function fillIn(text: string, context: RequestContext): string | undefined {
  let isComplete = true;
  const filled = text.replaceAll(variablePattern, (_, content: string) => {
    if (content === '*' || content === '?' || content === '$') return literal[content] ?? content;
    const value = single(context(keyOf(content))) ?? /,\s*'([^']*)'\s*$/.exec(content)?.[1];
    isComplete &&= value !== undefined;
    return (value ?? '').replaceAll(/[*?]/g, (character) => literal[character]!);
  });
  return isComplete ? filled : undefined;
}

function keyOf(content: string): string {
  return /^[*?$]$/.test(content) ? '' : content.replace(/,.*$/s, '').trim().toLowerCase();
}

function single(value: ContextValue): string | undefined {
  return typeof value === 'string' ? value : value?.length === 1 ? value[0] : undefined;
}

function compileText(text: string, { kind, hasWildcards = true }: PatternOptions): (value: string) => boolean {
  if (kind === 'arn') return compileArn(text);
  if (kind === 'ignore-case') {
    const matches = compileWildcards(text.toLowerCase());
    return (value) => matches(value.toLowerCase());
  }
  return hasWildcards ? compileWildcards(text) : (value) => value === restore(text);
}

function compileArn(text: string): (value: string) => boolean {
  if (text === '*') return () => true;
  if (!text.startsWith('arn:')) return compileWildcards(text);
  // IAM completes an ARN that is too short with wildcards.
  // https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html (read 2026-11)
  const parts = [...splitArn(text), '*', '*', '*', '*'].slice(0, 6).map(compileWildcards);
  return (value) => {
    const values = splitArn(value);
    return values.length === parts.length && parts.every((matches, index) => matches(values[index]!));
  };
}

/** @returns six parts; the last one keeps its colons */
function splitArn(arn: string): string[] {
  const parts = arn.split(':');
  return parts.length <= 6 ? parts : [...parts.slice(0, 5), parts.slice(5).join(':')];
}

function compileWildcards(text: string): (value: string) => boolean {
  if (text === '*') return () => true;
  const firstWildcard = text.search(/[*?]/);
  if (firstWildcard === -1) {
    const exact = restore(text);
    return (value) => value === exact;
  }
  if (firstWildcard === text.length - 1 && text.endsWith('*')) {
    const start = restore(text.slice(0, -1));
    return (value) => value.startsWith(start);
  }
  const escaped = text
    .replaceAll(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll(/\*+/g, '.*')
    .replaceAll('?', '.');
  const expression = new RegExp(`^${restoreEscaped(escaped)}$`, 'su');
  return (value) => expression.test(value);
}

function restore(text: string): string {
  return text.replaceAll(/[\u{e000}\u{e001}]/gu, (character) => literals[character]!);
}

function restoreEscaped(text: string): string {
  return text.replaceAll(/[\u{e000}\u{e001}]/gu, (character) => `\\${literals[character]!}`);
}
