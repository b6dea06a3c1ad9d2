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
        projectService: { allowDefaultProject: ['*.js', 'bench/*.js', 'scripts/*.js', 'test/hostile/*.js'] },
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
    files: ['*.js', 'bench/*.js', 'scripts/*.js', 'test/hostile/*.js'],
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
);
