/** Numbers as DynamoDB keeps them: decimals of up to 38 significant digits, written without an exponent. */
import { validationError } from './validation-error';

/** `coefficient × 10 ^ exponent`, without trailing zeros in the coefficient. */
interface Decimal {
  readonly coefficient: bigint;
  readonly exponent: number;
}

const significantDigitCount = 38;
const greatestMagnitude = 125;
const smallestMagnitude = -130;
const shortInteger = /^-?(?:0|[1-9]\d{0,14})$/;

/** Writes a number the way DynamoDB gives it back: `01.50` is `1.5`, `1e3` is `1000`, `-0` is `0`.
 * @throws ServiceError ValidationException when it is not a number, too long or out of range */
export function normalizeNumber(text: string): string {
  return shortInteger.test(text) && text !== '-0' ? text : format(parse(text));
}

/** Compares two normalized numbers.
 * @returns below 0, 0 or above 0 */
export function compareNumbers(left: string, right: string): number {
  if (shortInteger.test(left) && shortInteger.test(right)) return Number(left) - Number(right);
  const [leftInteger, rightInteger] = align(parse(left), parse(right));
  return leftInteger < rightInteger ? -1 : leftInteger > rightInteger ? 1 : 0;
}

/** Adds two normalized numbers; subtracts the second when `sign` is -1. */
export function addNumbers(left: string, right: string, sign: 1 | -1 = 1): string {
  if (shortInteger.test(left) && shortInteger.test(right)) return String(Number(left) + sign * Number(right));
  const leftDecimal = parse(left);
  const rightDecimal = parse(right);
  const [leftInteger, rightInteger] = align(leftDecimal, rightDecimal);
  const exponent = Math.min(leftDecimal.exponent, rightDecimal.exponent);
  return format(checked(leftInteger + BigInt(sign) * rightInteger, exponent));
}

function parse(text: string): Decimal {
  const match = /^\s*([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+))?\s*$/.exec(text);
  const [, sign = '', whole = '', fraction = '', power = '0'] = match ?? [];
  if (match === null || whole + fraction === '') {
    throw validationError(
      text === ''
        ? 'The parameter cannot be converted to a numeric value'
        : `The parameter cannot be converted to a numeric value: ${text}`,
    );
  }
  const magnitude = BigInt(whole + fraction);
  return checked(sign === '-' ? -magnitude : magnitude, Number(power) - fraction.length);
}

/** Drops trailing zeros and holds the number against DynamoDB's limits. */
function checked(coefficient: bigint, exponent: number): Decimal {
  if (coefficient === 0n) return { coefficient: 0n, exponent: 0 };
  const text = coefficient.toString();
  const trailingZeroCount = text.length - text.replace(/0+$/, '').length;
  const digitCount = text.replace('-', '').length - trailingZeroCount;
  if (digitCount > significantDigitCount)
    throw validationError('Attempting to store more than 38 significant digits in a Number');
  const magnitude = exponent + trailingZeroCount + digitCount - 1;
  if (magnitude > greatestMagnitude)
    throw validationError('Number overflow. Attempting to store a number with magnitude larger than supported range');
  if (magnitude < smallestMagnitude)
    throw validationError('Number underflow. Attempting to store a number with magnitude smaller than supported range');
  return { coefficient: coefficient / 10n ** BigInt(trailingZeroCount), exponent: exponent + trailingZeroCount };
}

function format({ coefficient, exponent }: Decimal): string {
  const sign = coefficient < 0n ? '-' : '';
  const digits = (coefficient < 0n ? -coefficient : coefficient).toString();
  if (exponent >= 0) return `${sign}${digits}${'0'.repeat(exponent)}`;
  const padded = digits.padStart(1 - exponent, '0');
  return `${sign}${padded.slice(0, exponent)}.${padded.slice(exponent)}`;
}

/** Both as whole numbers of the smaller unit. */
function align(left: Decimal, right: Decimal): [bigint, bigint] {
  const exponent = Math.min(left.exponent, right.exponent);
  return [
    left.coefficient * 10n ** BigInt(left.exponent - exponent),
    right.coefficient * 10n ** BigInt(right.exponent - exponent),
  ];
}
