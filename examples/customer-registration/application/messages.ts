/** What the application says to people, in Brazilian Portuguese and in English. */
import type { FieldProblem, FieldProblems } from './customer';

export type Language = 'pt-BR' | 'en';

/** Everything that can be answered besides what was asked for. */
export const problemCodes = [
  ...(['INVALID', 'CPF_TAKEN', 'EMAIL_TAKEN', 'CHANGED_MEANWHILE', 'NOT_FOUND', 'NOT_SIGNED_IN'] as const),
  ...([
    'NOT_ALLOWED',
    'TOO_MANY_REQUESTS',
    'TOO_MANY_ATTACHMENTS',
    'NOT_READY',
    'ARCHIVED',
    'TOO_LARGE',
    'TRY_AGAIN',
    'FAILED',
  ] as const),
] as const;
export type ProblemCode = (typeof problemCodes)[number];

const problems: Readonly<Record<ProblemCode, Readonly<Record<Language, string>>>> = {
  INVALID: { 'pt-BR': 'Alguns dados precisam de correção.', en: 'Some of the data needs to be corrected.' },
  CPF_TAKEN: { 'pt-BR': 'Já existe um cliente com este CPF.', en: 'There is a customer with this CPF already.' },
  EMAIL_TAKEN: {
    'pt-BR': 'Já existe um cliente com este e-mail.',
    en: 'There is a customer with this e-mail already.',
  },
  CHANGED_MEANWHILE: {
    'pt-BR': 'O cadastro foi alterado por outra pessoa. Abra-o de novo e repita a alteração.',
    en: 'Somebody else has changed the customer. Read it again and repeat the change.',
  },
  NOT_FOUND: { 'pt-BR': 'Não encontramos o que você procura.', en: 'We did not find what you are looking for.' },
  NOT_SIGNED_IN: { 'pt-BR': 'Entre de novo para continuar.', en: 'Sign in again to go on.' },
  NOT_ALLOWED: { 'pt-BR': 'Seu acesso não permite esta ação.', en: 'Your access does not allow this.' },
  TOO_MANY_REQUESTS: {
    'pt-BR': 'Muitos pedidos em pouco tempo. Espere um pouco.',
    en: 'Too many requests. Wait a little.',
  },
  TOO_MANY_ATTACHMENTS: {
    'pt-BR': 'Este cliente já tem o máximo de anexos.',
    en: 'This customer has as many attachments as there may be.',
  },
  NOT_READY: { 'pt-BR': 'O anexo ainda não foi processado.', en: 'The attachment has not been processed yet.' },
  ARCHIVED: {
    'pt-BR': 'O arquivo está arquivado. Peça a um administrador que o restaure.',
    en: 'The file is archived. Ask an administrator to restore it.',
  },
  TOO_LARGE: { 'pt-BR': 'O pedido é grande demais.', en: 'The request is too large.' },
  TRY_AGAIN: { 'pt-BR': 'O sistema está ocupado. Tente de novo.', en: 'The system is busy. Try again.' },
  FAILED: { 'pt-BR': 'Algo falhou do nosso lado. Tente mais tarde.', en: 'Something failed on our side. Try later.' },
};

const fieldProblems: Readonly<Record<FieldProblem, Readonly<Record<Language, (field: string) => string>>>> = {
  missing: { 'pt-BR': (field) => `Informe ${field}.`, en: (field) => `Enter ${field}.` },
  too_long: { 'pt-BR': (field) => `Encurte ${field}.`, en: (field) => `Shorten ${field}.` },
  malformed: { 'pt-BR': (field) => `Confira ${field}.`, en: (field) => `Check ${field}.` },
  check_digits: {
    'pt-BR': (field) => `Confira ${field}: os dígitos verificadores não conferem.`,
    en: (field) => `Check ${field}: its check digits do not fit.`,
  },
};

const fieldNames: Readonly<Record<string, Readonly<Record<Language, string>>>> = {
  name: { 'pt-BR': 'o nome', en: 'the name' },
  cpf: { 'pt-BR': 'o CPF', en: 'the CPF' },
  email: { 'pt-BR': 'o e-mail', en: 'the e-mail' },
  telephone: { 'pt-BR': 'o telefone, com DDD', en: 'the telephone, with its area code' },
  address: { 'pt-BR': 'o endereço', en: 'the address' },
  'address.postalCode': { 'pt-BR': 'o CEP', en: 'the postal code (CEP)' },
  'address.street': { 'pt-BR': 'a rua', en: 'the street' },
  'address.number': { 'pt-BR': 'o número', en: 'the number' },
  'address.complement': { 'pt-BR': 'o complemento', en: 'the complement' },
  'address.district': { 'pt-BR': 'o bairro', en: 'the district' },
  'address.city': { 'pt-BR': 'a cidade', en: 'the city' },
  'address.state': { 'pt-BR': 'o estado (UF)', en: 'the state (UF)' },
  fileName: { 'pt-BR': 'o nome do arquivo', en: 'the name of the file' },
  contentType: { 'pt-BR': 'o tipo do arquivo', en: 'the type of the file' },
  sizeBytes: { 'pt-BR': 'o tamanho do arquivo', en: 'the size of the file' },
};

/** The language to answer in. Brazilian Portuguese unless English is preferred: the customers are Brazilian.
 * @param header `Accept-Language`, as `en-US,en;q=0.8`. */
export function languageOf(header: string | undefined): Language {
  const wishes = (header ?? '').split(',').map((wish) => {
    const [name = '', ...parameters] = wish.trim().toLowerCase().split(';');
    const quality = parameters.map((parameter) => /^\s*q=([\d.]{1,5})\s*$/.exec(parameter)?.[1]).find(Boolean);
    return { name, quality: quality === undefined ? 1 : Number(quality) };
  });
  const best = (language: string): number =>
    Math.max(0, ...wishes.filter(({ name }) => name.split('-')[0] === language).map(({ quality }) => quality));
  return best('en') > best('pt') ? 'en' : 'pt-BR';
}

/** What a person reads of a problem. */
export function describeProblem(code: ProblemCode, language: Language): string {
  return problems[code][language];
}

/** What a person reads of the fields that need correction, in the order of the form. */
export function describeFields(
  found: FieldProblems,
  language: Language,
): { readonly field: string; readonly code: FieldProblem; readonly message: string }[] {
  const order = Object.keys(fieldNames);
  return Object.entries(found)
    .sort(([left], [right]) => order.indexOf(left) - order.indexOf(right))
    .map(([field, code]) => {
      const name = fieldNames[field]?.[language] ?? (language === 'en' ? 'the data' : 'os dados');
      return { field, code, message: fieldProblems[code][language](name) };
    });
}
