/** The report against independent computations over the same CSV, and the whole example as it is deployed. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { simulate } from 'cdk-object-workflow/local';
import fc from 'fast-check';
import { PermissionJudge } from '../../test/access/permission-judge';
import { SalesReportStack } from './stack';

interface Sale {
  readonly date: string;
  readonly product: string;
  readonly units: number;
  readonly cents: number;
}

const salesFile = readFileSync(join(__dirname, 'input/sales.csv'));
const judge = new PermissionJudge();
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sales-report-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.each(installedAwks())('report.sh with %s', (awk) => {
  const report = (csv: string | Uint8Array) => runReport(csv, awk);

  test('reports what an independent parser adds up from the example input', () => {
    const { exitCode, files } = report(salesFile);

    expect(exitCode).toBe(0);
    expect(files['report.csv']).toBe(expectedReport(salesOf(salesFile.toString('utf8'))));
    expect(JSON.parse(files['summary.json']!)).toEqual({
      from: '2025-01',
      to: '2025-12',
      products: 24,
      units: total(salesOf(salesFile.toString('utf8')), (sale) => sale.units),
      revenue: money(total(salesOf(salesFile.toString('utf8')), (sale) => sale.units * sale.cents)),
    });
  });

  test('adds up any sales exactly, however the CSV is quoted, ordered and ended', () => {
    fc.assert(
      fc.property(fc.array(sale, { minLength: 1, maxLength: 30 }), layout, (sales, how) => {
        const { exitCode, stderr, files } = report(writeCsv(sales, how));
        expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
        expect(files['report.csv']).toBe(expectedReport(sales));
      }),
      { numRuns: 40 },
    );
  });

  test('rejects any file that a byte was cut from or put into, or still reports it, but never crashes', () => {
    const bytes = salesFile.subarray(0, 600);
    fc.assert(
      fc.property(fc.nat(599), fc.option(fc.integer({ min: 0, max: 255 })), (at, inserted) => {
        const damaged = Buffer.concat([
          bytes.subarray(0, at),
          Buffer.from(inserted === null ? [] : [inserted]),
          bytes.subarray(inserted === null ? at + 1 : at),
        ]);
        expect([0, 65]).toContain(report(damaged).exitCode);
      }),
      { numRuns: 40 },
    );
  });

  test.each([
    ['nothing at all', '', 'line 1: the file is empty'],
    ['a header without sales', 'date,product,units,unit_price\n', 'there are no sales below the header'],
    [
      'another header',
      'day;product;units\n1;2;3\n',
      'line 1: the header lacks date, product, units, unit_price; accepted',
    ],
    ['a column twice', 'date,product,units,unit_price,date\n', 'the column "date" stands in the header twice'],
    ['a missing field', row('2026-01-02,Tea,1'), 'line 2: 3 fields; accepted: 4 fields, as in the header'],
    ['a field too many', row('2026-01-02,Tea,1,2.50,'), 'line 2: 5 fields'],
    ['a day that does not exist', row('2026-02-29,Tea,1,2.50'), 'line 2: date is "2026-02-29"; accepted: a day'],
    ['another date format', row('01/02/2026,Tea,1,2.50'), 'date is "01/02/2026"'],
    ['half a unit', row('2026-01-02,Tea,1.5,2.50'), 'units is "1.5"; accepted: a whole number'],
    ['a decimal comma', row('2026-01-02,Tea,1,"2,50"'), 'unit_price is "2,50"; accepted: an amount such as 1234.50'],
    ['a product without a name', row('2026-01-02,,1,2.50'), 'product is ""'],
    ['a product on two lines', row('2026-01-02,"Tea\npot",1,2.50'), 'product is "Tea pot"'],
    ['a quote that stays open', row('2026-01-02,"Tea,1,2.50'), 'line 2: a quote is opened and never closed'],
    ['a quote inside a bare field', row('2026-01-02,27" Screen,1,2.50'), 'holds a quote but does not begin with one'],
    [
      'text after a closing quote',
      row('2026-01-02,"Tea"pot,1,2.50'),
      'text follows the closing quote of field 2: "pot',
    ],
    ['text in another encoding', Buffer.from(row('2026-01-02,Café,1,2.50'), 'latin1'), 'line 2: not UTF-8'],
    ['UTF-16', Buffer.from(row('2026-01-02,Tea,1,2.50'), 'utf16le'), 'NUL bytes'],
  ])('rejects %s and says what is accepted', (_, csv, reason) => {
    const { exitCode, stderr, files } = report(csv);

    expect(stderr).toContain(reason);
    expect(stderr).toContain('accepted: ');
    expect(exitCode).toBe(65);
    expect(files).toEqual({});
  });

  test('names the line of the file, not the number of the sale', () => {
    const notes =
      'date,product,units,unit_price,note\r\n2026-01-02,Tea,1,2.50,"two\r\nlines"\r\n2026-01-03,Tea,x,2.50,\r\n';

    expect(report(notes).stderr).toContain('line 4: units is "x"');
  });

  test('lists eight reasons and counts the rest, so that the reasons fit the ledger', () => {
    const { stderr } = report(
      row(
        Array<string>(200)
          .fill(`x,${'é'.repeat(300)},y,z`)
          .join('\n'),
      ),
    );

    expect(stderr.trimEnd().split('\n')).toHaveLength(9);
    expect(stderr).toContain('and 592 more');
    expect(Buffer.byteLength(stderr)).toBeLessThan(2048);
    expect(stderr).not.toContain('\ufffd');
  });
});

test('the deployed workflow stores the very report of the example input', async () => {
  const simulation = await simulate(new SalesReportStack(new App(), 'SalesReport'));
  try {
    await simulation.upload({ key: 'incoming/sales.csv', body: salesFile, contentType: 'text/csv' });
    await simulation.settle();

    const record = simulation.records()[0]!;
    expect(record.status).toBe('STORED');
    const results = await simulation.results(record);
    const files = new Map(results.map(({ path, body }) => [path, Buffer.from(body).toString('utf8')]));
    expect([...files.keys()].sort()).toEqual(['report.csv', 'report.md', 'summary.json']);
    expect(files.get('report.csv')).toBe(expectedReport(salesOf(salesFile.toString('utf8'))));
    judge.add(simulation);
  } finally {
    await simulation.close();
  }
});

test('every permission is needed, and none is missing', () => expect(judge.problems()).toEqual([]));

/** The awks of this machine: the report must not depend on which one a system calls `awk`. */
function installedAwks(): string[] {
  const find = (name: string) =>
    (process.env['PATH'] ?? '')
      .split(delimiter)
      .map((path) => join(path, name))
      .find((path) => existsSync(path));
  const installed = ['mawk', 'gawk', 'original-awk', 'busybox'].flatMap((name) => find(name) ?? []);
  return installed.length > 0 ? installed : [find('awk') ?? 'awk'];
}

function runReport(csv: string | Uint8Array, awk: string) {
  const run = mkdtempSync(join(folder, 'run-'));
  const results = join(run, 'results');
  mkdirSync(results);
  writeFileSync(join(run, 'object'), csv);
  symlinkSync(awk, join(run, 'awk'));
  const { status, stdout, stderr } = spawnSync('bash', [join(__dirname, 'report.sh')], {
    encoding: 'utf8',
    env: {
      ...process.env,
      PATH: `${run}${delimiter}${process.env['PATH'] ?? ''}`,
      OBJECT_FILE: join(run, 'object'),
      RESULTS_DIR: results,
    },
  });
  const names = ['report.csv', 'report.md', 'summary.json'].filter((name) => existsSync(join(results, name)));
  const files: Record<string, string> = Object.fromEntries(
    names.map((name) => [name, readFileSync(join(results, name), 'utf8')]),
  );
  rmSync(run, { recursive: true });
  return { exitCode: status, stdout, stderr, files };
}

function row(line: string): string {
  return `date,product,units,unit_price\n${line}\n`;
}

const sale: fc.Arbitrary<Sale> = fc.record({
  date: fc
    .date({ min: new Date('1999-12-01'), max: new Date('2032-03-01'), noInvalidDate: true })
    .map((date) => date.toISOString().slice(0, 10)),
  product: fc.oneof(
    fc.constantFrom('Café', 'Tea, green', '27" Screen', '1', '1.0', '=1+1', '\\n & |', '  spaced  ', '茶', '😀'),
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }).filter((text) => !/[\n\t\0\r]/.test(text)),
  ),
  units: fc.integer({ min: -999_999, max: 999_999 }),
  cents: fc.integer({ min: 0, max: 99_999_999 }),
});

const columns = ['date', 'product', 'units', 'unit_price', 'note'] as const;
const layout = fc.record({
  order: fc.shuffledSubarray([...columns], { minLength: columns.length }),
  quoteAll: fc.boolean(),
  lineEnd: fc.constantFrom('\n', '\r\n'),
  byteOrderMark: fc.boolean(),
  endsWithLineEnd: fc.boolean(),
  note: fc.constantFrom('', 'plain', 'two\nlines', 'a "quoted", word', '"', 'x\r\n,"\n'),
});
type Layout = typeof layout extends fc.Arbitrary<infer Value> ? Value : never;

function writeCsv(sales: readonly Sale[], how: Layout): string {
  const field = (text: string) => (how.quoteAll || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const lines = sales.map((sold) => {
    const values = {
      date: sold.date,
      product: sold.product,
      units: String(sold.units),
      unit_price: money(sold.cents),
      note: how.note,
    };
    return how.order.map((column) => field(values[column])).join(',');
  });
  const text = [how.order.map(field).join(','), ...lines].join(how.lineEnd);
  return `${how.byteOrderMark ? '\ufeff' : ''}${text}${how.endsWithLineEnd ? how.lineEnd : ''}`;
}

/** A second reading of RFC 4180: one regular expression, sharing nothing with the script's. */
function salesOf(csv: string): Sale[] {
  const records: string[][] = [[]];
  for (const [, quoted, bare, end] of csv.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/g)) {
    records.at(-1)!.push(quoted?.replaceAll('""', '"') ?? bare!);
    if (end !== ',') records.push([]);
  }
  const [header, ...rows] = records.filter((record) => record.length > 1) as [string[], ...string[][]];
  const at = (name: string) => header.indexOf(name);
  return rows.map((fields) => ({
    date: fields[at('date')]!,
    product: fields[at('product')]!,
    units: Number(fields[at('units')]),
    cents: Math.round(Number(fields[at('unit_price')]) * 100),
  }));
}

function expectedReport(sales: readonly Sale[]): string {
  const sums = new Map<string, { units: bigint; cents: bigint }>();
  for (const { product, date, units, cents } of sales) {
    const key = `${product}\t${date.slice(0, 7)}`;
    const sum = sums.get(key) ?? { units: 0n, cents: 0n };
    sums.set(key, { units: sum.units + BigInt(units), cents: sum.cents + BigInt(units) * BigInt(cents) });
  }
  const lines = [...sums.keys()]
    .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    .map((key) => {
      const [product, month] = key.split('\t') as [string, string];
      const { units, cents } = sums.get(key)!;
      const name = /[",]/.test(product) ? `"${product.replaceAll('"', '""')}"` : product;
      return `${name},${month},${units},${money(cents)}\n`;
    });
  return `product,month,units,revenue\n${lines.join('')}`;
}

function money(cents: number | bigint): string {
  const digits = String(cents).replace('-', '').padStart(3, '0');
  return `${cents < 0 ? '-' : ''}${digits.slice(0, -2)}.${digits.slice(-2)}`;
}

function total(sales: readonly Sale[], value: (sale: Sale) => number): number {
  return sales.reduce((sum, sold) => sum + value(sold), 0);
}
