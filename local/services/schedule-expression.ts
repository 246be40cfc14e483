/** Reads the schedule expressions of EventBridge, `rate(…)` and `cron(…)`, and tells when they are due next. */
import { ServiceError } from './service';

/** @returns the first due instant after `afterMs`, in milliseconds since 1970; undefined when there is none any more */
export type Schedule = (afterMs: number) => number | undefined;

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;

/** @param createdMs When the rule was created: a rate counts from there.
 * @throws ServiceError ValidationException: Parameter ScheduleExpression is not valid */
export function parseSchedule(expression: string, createdMs: number): Schedule {
  const rate = /^rate\((\d+) (minute|minutes|hour|hours|day|days)\)$/.exec(expression);
  if (rate !== null) return rateSchedule(Number(rate[1]), rate[2]!, createdMs, expression);
  const cron = /^cron\((.+)\)$/.exec(expression);
  const fields = cron?.[1]!.trim().split(/\s+/);
  if (fields?.length !== 6) throw invalid(expression);
  return cronSchedule(fields as [string, string, string, string, string, string], expression);
}

function rateSchedule(count: number, unit: string, createdMs: number, expression: string): Schedule {
  // One of something takes the singular, more of it the plural; anything else is refused by the service.
  if (count === 0 || (count === 1) === unit.endsWith('s')) throw invalid(expression);
  const unitMs = unit.startsWith('minute') ? minuteMs : unit.startsWith('hour') ? 60 * minuteMs : dayMs;
  const periodMs = count * unitMs;
  return (afterMs) => createdMs + (Math.floor((afterMs - createdMs) / periodMs) + 1) * periodMs;
}

const months = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];
const weekdays = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];

function cronSchedule(fields: [string, string, string, string, string, string], expression: string): Schedule {
  const [minute, hour, dayOfMonth, month, dayOfWeek, year] = fields;
  // One of the two day fields must be "?": otherwise the service refuses the expression.
  if ((dayOfMonth === '?') === (dayOfWeek === '?')) throw invalid(expression);
  const field = (
    text: string,
    low: number,
    high: number,
    names: readonly string[] = [],
    firstName = 0,
  ): ((value: number) => boolean) =>
    fieldMatcher(
      text,
      low,
      high,
      (name) => (names.includes(name) ? String(names.indexOf(name) + firstName) : name),
      expression,
    );
  const isMinute = field(minute, 0, 59);
  const isHour = field(hour, 0, 23);
  const isMonth = field(month, 1, 12, months, 1);
  const isYear = field(year, 1970, 2199);
  const isDay = dayOfMonth === '?' ? weekdayMatcher(dayOfWeek, field, expression) : monthDayMatcher(dayOfMonth, field);
  return (afterMs) => {
    const lastYear = new Date(afterMs).getUTCFullYear() + 10;
    let atMs = Math.floor(afterMs / dayMs) * dayMs;
    for (let date = new Date(atMs); date.getUTCFullYear() <= lastYear; atMs += dayMs, date = new Date(atMs)) {
      if (!isYear(date.getUTCFullYear()) || !isMonth(date.getUTCMonth() + 1) || !isDay(date)) continue;
      const due = firstMinuteOfDay(atMs, afterMs, isHour, isMinute);
      if (due !== undefined) return due;
    }
    return undefined;
  };
}

function firstMinuteOfDay(
  startMs: number,
  afterMs: number,
  isHour: (hour: number) => boolean,
  isMinute: (minute: number) => boolean,
): number | undefined {
  for (let minuteOfDay = 0; minuteOfDay < 24 * 60; minuteOfDay++) {
    const atMs = startMs + minuteOfDay * minuteMs;
    if (atMs > afterMs && isHour(Math.floor(minuteOfDay / 60)) && isMinute(minuteOfDay % 60)) return atMs;
  }
  return undefined;
}

type FieldParser = (
  text: string,
  low: number,
  high: number,
  names?: readonly string[],
  firstName?: number,
) => (value: number) => boolean;

/** `L` is the last day of the month, `15W` the weekday nearest to the 15th. */
function monthDayMatcher(text: string, field: FieldParser): (date: Date) => boolean {
  if (text === 'L') return (date) => date.getUTCDate() === daysInMonth(date);
  const nearest = /^(\d+|L)W$/.exec(text)?.[1];
  if (nearest !== undefined) {
    return (date) => date.getUTCDate() === nearestWeekday(date, nearest === 'L' ? daysInMonth(date) : Number(nearest));
  }
  const matches = field(text, 1, 31);
  return (date) => matches(date.getUTCDate());
}

/** `6L` is the last Friday of the month, `3#2` its second Tuesday. Sunday is 1. */
function weekdayMatcher(text: string, field: FieldParser, expression: string): (date: Date) => boolean {
  const named = text.replaceAll(/[A-Z]{3}/g, (name) =>
    weekdays.includes(name) ? String(weekdays.indexOf(name) + 1) : name,
  );
  const last = /^([1-7])L$/.exec(named)?.[1];
  if (last !== undefined) {
    return (date) => date.getUTCDay() + 1 === Number(last) && date.getUTCDate() + 7 > daysInMonth(date);
  }
  const ordinal = /^([1-7])#([1-5])$/.exec(named);
  if (ordinal !== null) {
    return (date) =>
      date.getUTCDay() + 1 === Number(ordinal[1]) && Math.ceil(date.getUTCDate() / 7) === Number(ordinal[2]);
  }
  if (named === 'L') return (date) => date.getUTCDay() === 6;
  if (/[^0-9,\-*/]/.test(named)) throw invalid(expression);
  const matches = field(named, 1, 7);
  return (date) => matches(date.getUTCDay() + 1);
}

function fieldMatcher(
  text: string,
  low: number,
  high: number,
  number: (name: string) => string,
  expression: string,
): (value: number) => boolean {
  const allowed = new Set<number>();
  for (const part of text.split(',')) {
    const match = /^(\*|\w+)(?:-(\w+))?(?:\/(\d+))?$/.exec(part);
    if (match === null) throw invalid(expression);
    const [, from, to, step] = match;
    const first = from === '*' ? low : Number(number(from!));
    const last = to !== undefined ? Number(number(to)) : from === '*' || step !== undefined ? high : first;
    const stride = Number(step ?? 1);
    if (!(first >= low && last <= high && first <= last && stride >= 1)) throw invalid(expression);
    for (let value = first; value <= last; value += stride) allowed.add(value);
  }
  return (value) => allowed.has(value);
}

function daysInMonth(date: Date): number {
  return new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate();
}

/** The weekday nearest to a day, never in another month. */
function nearestWeekday(date: Date, day: number): number {
  const weekday = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), day)).getUTCDay();
  if (weekday === 6) return day > 1 ? day - 1 : day + 2;
  if (weekday === 0) return day < daysInMonth(date) ? day + 1 : day - 2;
  return day;
}

function invalid(expression: string): ServiceError {
  return new ServiceError('ValidationException', `Parameter ScheduleExpression is not valid. Got: ${expression}`);
}
