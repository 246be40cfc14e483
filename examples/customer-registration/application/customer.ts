/** What a customer is: which values are acceptable, and how they are stored. Everything comes as text that people typed. */
import { cpf } from 'cpf-cnpj-validator';
import { parsePhoneNumberFromString } from 'libphonenumber-js';

/** Brazil's federative units, as addresses have them. */
export const states = [
  ...['AC', 'AL', 'AM', 'AP', 'BA', 'CE', 'DF', 'ES', 'GO', 'MA', 'MG', 'MS', 'MT', 'PA'],
  ...['PB', 'PE', 'PI', 'PR', 'RJ', 'RN', 'RO', 'RR', 'RS', 'SC', 'SE', 'SP', 'TO'],
] as const;

export interface Address {
  /** Eight digits. */
  readonly postalCode: string;
  readonly street: string;
  /** As on the door: `12 A`, `s/n`. */
  readonly number: string;
  readonly complement?: string;
  readonly district: string;
  readonly city: string;
  readonly state: string;
}

/** What a person says of a customer, normalized. */
export interface CustomerDetails {
  readonly name: string;
  /** Lower case. */
  readonly email: string;
  /** E.164: `+5511987654321`. */
  readonly telephone: string;
  readonly address: Address;
}

/** Why a value is not acceptable; `messages.ts` has the words. */
export type FieldProblem = 'missing' | 'too_long' | 'malformed' | 'check_digits';

/** Problems by field, as `address.postalCode`. */
export type FieldProblems = Readonly<Record<string, FieldProblem>>;

/** The details as they were typed. */
export interface TypedDetails {
  readonly name: string;
  readonly email: string;
  readonly telephone: string;
  readonly address: Omit<Address, 'complement'> & { readonly complement?: string | undefined };
}

/** A value, or what is wrong with it. */
type Reading = { readonly value: string } | { readonly problem: FieldProblem };

const limits = { name: 120, email: 254, street: 160, number: 12, complement: 80, district: 80, city: 80 };

/** Reads a CPF, with or without its dots and hyphen.
 * @returns its eleven digits, or what is wrong: `check_digits` where the number looks right and cannot be
 * @example readCpf('529.982.247-25') // { value: '52998224725' } */
export function readCpf(text: string): Reading {
  const typed = text.trim();
  if (typed === '') return { problem: 'missing' };
  if (!/^(\d{11}|\d{3}\.\d{3}\.\d{3}-\d{2})$/.test(typed)) return { problem: 'malformed' };
  return cpf.isValid(typed, true) ? { value: cpf.strip(typed) } : { problem: 'check_digits' };
}

/** Reads what a person says of a customer, and lists everything that is wrong with it at once. */
export function readDetails(
  typed: TypedDetails,
): { readonly details: CustomerDetails } | { readonly problems: FieldProblems } {
  const { address } = typed;
  const readings = {
    name: readLine(typed.name, limits.name, (name) => /\p{L}.*\p{L}/u.test(name)),
    email: readEmail(typed.email),
    telephone: readTelephone(typed.telephone),
    'address.postalCode': readPostalCode(address.postalCode),
    'address.street': readLine(address.street, limits.street),
    'address.number': readLine(address.number, limits.number),
    'address.district': readLine(address.district, limits.district),
    'address.city': readLine(address.city, limits.city),
    'address.state': readState(address.state),
    ...(hasText(address.complement) && { 'address.complement': readLine(address.complement, limits.complement) }),
  } satisfies Readonly<Record<string, Reading>>;
  const problems = Object.fromEntries(
    Object.entries(readings).flatMap(([field, reading]) => ('problem' in reading ? [[field, reading.problem]] : [])),
  );
  if (Object.keys(problems).length > 0) return { problems };
  const values = new Map(
    Object.entries(readings).flatMap(([field, reading]) =>
      'value' in reading ? [[field, reading.value] as const] : [],
    ),
  );
  return { details: assemble((field) => values.get(field) ?? '', address) };
}

function assemble(value: (field: string) => string, address: TypedDetails['address']): CustomerDetails {
  return {
    name: value('name'),
    email: value('email'),
    telephone: value('telephone'),
    address: {
      postalCode: value('address.postalCode'),
      street: value('address.street'),
      number: value('address.number'),
      district: value('address.district'),
      city: value('address.city'),
      state: value('address.state'),
      ...(hasText(address.complement) && { complement: value('address.complement') }),
    },
  };
}

/** One line of text: composed characters, single blanks, nothing that cannot be seen. */
function readLine(text: string, maximumLength: number, isAcceptable = (line: string) => line !== ''): Reading {
  const line = text.normalize('NFC').replace(/\s+/gu, ' ').trim();
  if (line === '') return { problem: 'missing' };
  if (line.length > maximumLength) return { problem: 'too_long' };
  if (/[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}]/u.test(line) || !isAcceptable(line)) return { problem: 'malformed' };
  return { value: line };
}

/** Addresses that every mail system takes: no quotes, no comments, a domain with a dot. */
function readEmail(text: string): Reading {
  const email = text.trim().toLowerCase();
  if (email === '') return { problem: 'missing' };
  if (email.length > limits.email) return { problem: 'too_long' };
  const isAddress =
    /^[a-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*@([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$/;
  return isAddress.test(email) && email.indexOf('@') <= 64 ? { value: email } : { problem: 'malformed' };
}

/** Numbers without a country are Brazilian. */
function readTelephone(text: string): Reading {
  if (text.trim() === '') return { problem: 'missing' };
  if (text.length > 40) return { problem: 'too_long' };
  const number = parsePhoneNumberFromString(text, { defaultCountry: 'BR', extract: false });
  return number?.isValid() === true && number.ext === undefined ? { value: number.number } : { problem: 'malformed' };
}

function readPostalCode(text: string): Reading {
  const typed = text.trim();
  if (typed === '') return { problem: 'missing' };
  return /^\d{5}-?\d{3}$/.test(typed) ? { value: typed.replace('-', '') } : { problem: 'malformed' };
}

function readState(text: string): Reading {
  const state = text.trim().toUpperCase();
  if (state === '') return { problem: 'missing' };
  return (states as readonly string[]).includes(state) ? { value: state } : { problem: 'malformed' };
}

function hasText(text: string | undefined): text is string {
  return text !== undefined && text.trim() !== '';
}
