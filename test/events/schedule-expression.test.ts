import { parseSchedule } from '../../local/services/schedule-expression';

/** Thursday. */
const start = Date.UTC(2026, 0, 1, 9, 0, 30);

function next(expression: string, count = 3): string[] {
  const schedule = parseSchedule(expression, start);
  const due: string[] = [];
  for (let afterMs = start; due.length < count;) {
    const atMs = schedule(afterMs);
    if (atMs === undefined) break;
    due.push(new Date(atMs).toISOString().slice(0, 16));
    afterMs = atMs;
  }
  return due;
}

test.each([
  ['rate(1 minute)', ['2026-01-01T09:01', '2026-01-01T09:02', '2026-01-01T09:03']],
  ['rate(6 hours)', ['2026-01-01T15:00', '2026-01-01T21:00', '2026-01-02T03:00']],
  ['cron(0 12 * * ? *)', ['2026-01-01T12:00', '2026-01-02T12:00', '2026-01-03T12:00']],
  ['cron(0/20 9 1 * ? *)', ['2026-01-01T09:20', '2026-01-01T09:40', '2026-02-01T09:00']],
  ['cron(15 8 ? * MON-FRI *)', ['2026-01-02T08:15', '2026-01-05T08:15', '2026-01-06T08:15']],
  ['cron(0 0 L * ? *)', ['2026-01-31T00:00', '2026-02-28T00:00', '2026-03-31T00:00']],
  ['cron(0 9 ? * 2#1 *)', ['2026-01-05T09:00', '2026-02-02T09:00', '2026-03-02T09:00']],
  ['cron(0 9 ? * 6L *)', ['2026-01-30T09:00', '2026-02-27T09:00', '2026-03-27T09:00']],
  ['cron(0 9 1W * ? *)', ['2026-02-02T09:00', '2026-03-02T09:00', '2026-04-01T09:00']],
  ['cron(0 0 29 2 ? *)', ['2028-02-29T00:00', '2032-02-29T00:00', '2036-02-29T00:00']],
  ['cron(0 0 1 JAN ? 2027)', ['2027-01-01T00:00']],
])('%s is due in order', (expression, due) => {
  expect(next(expression)).toEqual(due);
});

test.each([
  'rate(1 minutes)',
  'rate(5 minute)',
  'rate(0 minutes)',
  'cron(* * * * * *)',
  'cron(0 12 * * ?)',
  'cron(61 * * * ? *)',
  'at 5',
])('rejects %s', (expression) => {
  expect(() => parseSchedule(expression, start)).toThrow('Parameter ScheduleExpression is not valid');
});
