/**
 * Why this exists: what the compiler allows and this project does not. Every rule that is turned off or relaxed says why;
 * a line in the code is never exempted without a reason beside it.
 */
import eslint from '@eslint/js';
import { defineConfig } from 'eslint/config';
import importSort from 'eslint-plugin-simple-import-sort';
import { configs } from 'typescript-eslint';

export default defineConfig(
  { ignores: ['**/dist/', '**/node_modules/', 'data/', 'native/', 'target/', 'test-build/'] },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  eslint.configs.recommended,
  configs.strictTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    plugins: { 'import-sort': importSort },
    rules: {
      // Node's builtins, packages, our own from far to near; a blank line between the three.
      'import-sort/imports': ['error', { groups: [['^node:'], ['^@?\\w'], ['^\\.']] }],
      'import-sort/exports': 'error',
      'no-duplicate-imports': ['error', { allowSeparateTypeImports: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/consistent-type-exports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      eqeqeq: 'error',

      // A named export is one name to search for; a default export has as many as it has importers.
      'no-restricted-syntax': [
        'error',
        { selector: 'ExportDefaultDeclaration', message: 'Export it by name.' },
        { selector: 'ExportAllDeclaration', message: 'Name what is exported.' },
      ],

      // Numbers and booleans have one obvious text; what is refused is printing an object or undefined by accident.
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      // `() => clearTimeout(timer)` reads better than a block, and a callback's void is not mistaken for a value.
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      // A leading underscore says that a parameter is there for its place alone.
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      // An async function turns whatever it throws into a rejection; that is reason enough, with or without an await.
      '@typescript-eslint/require-await': 'off',
      // Answering with a promise where a callback's result is ignored is how connect-style handlers are written.
      '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: { arguments: false } }],
    },
  },
  {
    files: ['lib/**'],
    rules: {
      // A library has no terminal: it throws, or tells a listener.
      'no-console': 'error',
    },
  },
  {
    files: ['lib/native.ts'],
    rules: {
      // A require can fail inside a try, and so say what to do about an addon that does not load; an import cannot.
      '@typescript-eslint/no-require-imports': 'off',
    },
  },
  {
    files: ['__test__/**'],
    rules: {
      // A stand-in for a request holds just what the code under test reads.
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
      // node:test waits for the promise that it returns by itself.
      '@typescript-eslint/no-floating-promises': [
        'error',
        { allowForKnownSafeCalls: [{ from: 'package', name: ['describe', 'it', 'suite', 'test'], package: 'node:test' }] },
      ],
    },
  },
  {
    files: ['**/*.mjs'],
    rules: {
      // tsc checks these files too, and knows the names of the platform better.
      'no-undef': 'off',
    },
  },
  {
    files: ['eslint.config.mjs'],
    rules: {
      // ESLint reads the default export.
      'no-restricted-syntax': 'off',
    },
  },
  {
    files: ['index.d.ts'],
    rules: {
      // It adds no name of its own; lib/index.ts names what is exported.
      'no-restricted-syntax': 'off',
    },
  },
);
