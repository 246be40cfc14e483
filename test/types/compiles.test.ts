/** Runs the compiler over the type tests: Jest's own transform drops types without looking at them. */
import { join } from 'node:path';
import ts from 'typescript';

test('the type tests compile, and every expected error is one', () => {
  const { config } = ts.readConfigFile(join(__dirname, '../../tsconfig.json'), ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, join(__dirname, '../..'));
  const files = [join(__dirname, 'wiring.test.ts')];
  const program = ts.createProgram(files, { ...options, incremental: false });
  const diagnostics = files.flatMap((file) => ts.getPreEmitDiagnostics(program, program.getSourceFile(file)));
  const problems = diagnostics.map((diagnostic) => {
    const line = diagnostic.file?.getLineAndCharacterOfPosition(diagnostic.start ?? 0).line ?? -1;
    return `${diagnostic.file?.fileName}:${line + 1} ${ts.flattenDiagnosticMessageText(diagnostic.messageText, '\n')}`;
  });
  expect(problems).toEqual([]);
}, 120_000);
