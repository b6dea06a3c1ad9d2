// Lint: typescript-eslint's strict type-checked rules, the import law, no import cycle, plain English.
import eslint from '@eslint/js';
import { defineConfig, globalIgnores } from 'eslint/config';
import importX, { createNodeResolver } from 'eslint-plugin-import-x';
import tseslint from 'typescript-eslint';
import { importLawPlugin } from './scripts/import-law.js';
import { exemptPatterns } from './scripts/prose-places.js';
import { prosePlugin } from './scripts/prose-rule.js';

export default defineConfig(
  globalIgnores(['**/dist/', 'build/', 'node_modules/', 'fixtures/']),
  eslint.configs.recommended,
  tseslint.configs.strictTypeChecked,
  {
    languageOptions: {
      parserOptions: {
        projectService: {
          allowDefaultProject: ['*.js', 'examples/*.js', 'scripts/*.js', 'test/hostile/*.js'],
        },
      },
    },
    rules: {
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
    },
  },
  {
    files: ['*.js', 'examples/*.js', 'scripts/*.js', 'test/hostile/*.js'],
    extends: [tseslint.configs.disableTypeChecked],
    languageOptions: {
      globals: { console: 'readonly', performance: 'readonly', process: 'readonly', Buffer: 'readonly' },
    },
  },
  {
    files: ['**/*.ts', '**/*.js'],
    ignores: exemptPatterns,
    plugins: { prose: prosePlugin },
    rules: { 'prose/plain': 'error', 'prose/names': 'error' },
  },
  {
    files: ['src/**/*.ts'],
    plugins: { 'import-law': importLawPlugin, 'import-x': importX },
    settings: {
      'import-x/parsers': { '@typescript-eslint/parser': ['.ts'] },
      'import-x/resolver-next': [createNodeResolver({ extensions: ['.ts'] })],
    },
    rules: { 'import-law/obeyed': 'error', 'import-x/no-cycle': 'error' },
  },
  // A command returns what it has to say: output/terminal.ts alone has the standard streams, exit.ts alone exits.
  {
    files: ['src/cli/**/*.ts'],
    rules: {
      'no-console': 'error',
      'no-restricted-properties': [
        'error',
        ...restrictedInCommands(['stdout', 'stderr', 'exitCode', 'exit']),
      ],
      'no-restricted-imports': [
        'error',
        {
          paths: [{ name: 'node:process', message: 'Use the global process.' }],
          patterns: [
            {
              group: ['**/output/terminal.ts'],
              importNames: ['writeOutput', 'writeError', 'flushOutput'],
              message: 'Return a CommandResult, or use a TerminalReport.',
            },
            {
              group: ['**/mount/mount.ts'],
              importNames: ['exitNow'],
              message: 'Return a CommandResult with exitsNow.',
            },
          ],
        },
      ],
    },
  },
  {
    files: ['src/cli/output/terminal.ts'],
    rules: { 'no-restricted-properties': ['error', ...restrictedInCommands(['exitCode', 'exit'])] },
  },
  {
    files: ['src/cli/exit.ts'],
    rules: {
      'no-restricted-properties': ['error', ...restrictedInCommands(['stdout', 'stderr'])],
      'no-restricted-imports': 'off',
    },
  },
  { files: ['src/cli/output/report.ts', 'src/cli/background.ts'], rules: { 'no-restricted-imports': 'off' } },
);

function restrictedInCommands(properties) {
  const message = 'A command returns a CommandResult; progress and warnings go through a TerminalReport.';
  return properties.map((property) => ({ object: 'process', property, message }));
}
