// What the compiler does not catch: promises nobody waits for, cases nobody handles, and time and chance from outside the simulation.
import { defineConfig } from 'eslint/config';
import { configs, parser, plugin } from 'typescript-eslint';

const call = (object, method) => `CallExpression[callee.object.name='${object}'][callee.property.name='${method}']`;

/** What would make a simulation differ from run to run, each with what to use instead. */
const timeAndChance = [
  { selector: call('Date', 'now'), message: 'Use clock.nowMs() or context.nowMs(): real time may not enter.' },
  {
    selector: "NewExpression[callee.name='Date'][arguments.length=0]",
    message: 'Use new Date(clock.nowMs()) or new Date(context.nowMs()): real time may not enter.',
  },
  {
    selector: 'CallExpression[callee.name=/^(setTimeout|setInterval)$/]',
    message: 'Use clock.schedule or clock.sleep: nothing may wait in real time.',
  },
  { selector: call('Math', 'random'), message: 'Use a RandomSource: chance must come from the seed.' },
  {
    selector: 'CallExpression[callee.name=/^random(UUID|Bytes|Int)$/]',
    message: 'Use random.uuid(), random.hex() or context.newId(): chance must come from the seed.',
  },
  { selector: call('crypto', 'randomUUID'), message: 'Use random.uuid() or context.newId().' },
];

const printing = {
  selector: "MemberExpression[object.name='console']",
  message: 'Use the task’s log, or return the text: only the command line prints.',
};

export default defineConfig(
  { ignores: ['dist/', 'coverage/', 'out/', '**/cdk.out/', '**/*.mjs'] },
  {
    files: ['**/*.ts', '**/*.tsx'],
    plugins: { '@typescript-eslint': plugin },
    extends: [configs.base],
    languageOptions: { parser, parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      eqeqeq: 'error',
      'no-restricted-syntax': ['error', ...timeAndChance, printing],
      'no-var': 'error',
      'prefer-const': 'error',
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
    },
  },
  {
    // A page lives in real time.
    files: ['portal-page/**'],
    rules: { 'no-restricted-syntax': ['error', printing] },
  },
  {
    // The three doors through which real time and chance enter.
    files: ['local/virtual-clock.ts', 'local/random.ts', 'tasks/handler.ts'],
    rules: { 'no-restricted-syntax': ['error', printing] },
  },
);
