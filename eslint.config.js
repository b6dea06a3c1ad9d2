// Lint: typescript-eslint's strict type-checked rules, and the import law of docs/architecture.md as data.
import eslint from '@eslint/js';
import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

/** The import law: a folder of src/ may import itself and the folders listed. Files at the top are entries. */
const importLaw = {
  vfs: [],
  sys: ['vfs'],
  tar: ['vfs'],
  cache: [],
  layer: ['vfs', 'sys', 'tar', 'cache'],
  image: ['vfs', 'tar', 'layer'],
  tree: ['vfs', 'sys', 'layer'],
  overlay: ['vfs', 'sys', 'tree'],
  fuse: ['vfs', 'sys'],
  commit: ['vfs', 'sys', 'tar', 'layer', 'image', 'tree', 'overlay', 'inspect'],
  inspect: ['vfs', 'tar', 'layer', 'image', 'tree'],
  report: ['inspect'],
  bench: ['vfs', 'sys', 'tree', 'inspect'],
  cli: ['vfs', 'mount.ts', 'inspect.ts', 'commit.ts', 'bench.ts'],
  mount: ['vfs', 'sys', 'tar', 'cache', 'layer', 'image', 'tree', 'overlay', 'fuse', 'commit'],
  'mount.ts': ['vfs', 'sys', 'tar', 'cache', 'layer', 'image', 'tree', 'overlay', 'fuse', 'commit', 'mount'],
  'inspect.ts': ['vfs', 'sys', 'cache', 'layer', 'image', 'tree', 'fuse', 'inspect', 'mount', 'mount.ts'],
  'commit.ts': [
    'vfs',
    'sys',
    'cache',
    'layer',
    'image',
    'tree',
    'overlay',
    'fuse',
    'inspect',
    'commit',
    'mount',
    'mount.ts',
    'inspect.ts',
  ],
  'bench.ts': ['vfs', 'bench', 'inspect.ts'],
  'index.ts': ['vfs', 'mount.ts', 'inspect.ts'],
};

/** One no-restricted-imports block a folder: everything of the law that the folder does not list is refused. */
const lawBlocks = Object.entries(importLaw).map(([place, allowed]) => {
  const isFile = place.endsWith('.ts');
  const refused = Object.keys(importLaw).filter((other) => other !== place && !allowed.includes(other));
  const up = isFile ? '\\./' : '(\\.\\./)+';
  return {
    files: [isFile ? `src/${place}` : `src/${place}/**/*.ts`],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: refused.map((other) => ({
            regex: `^${up}${other.endsWith('.ts') ? other.replace('.', '\\.') + '$' : other + '/'}`,
            message: `The import law (eslint.config.js): ${place} may not import ${other}.`,
          })),
        },
      ],
    },
  };
});

export default defineConfig(
  globalIgnores(['**/dist/', 'build/', 'node_modules/', 'fixtures/']),
  eslint.configs.recommended,
  tseslint.configs.strictTypeChecked,
  {
    languageOptions: {
      parserOptions: { projectService: { allowDefaultProject: ['*.js', 'bench/*.js', 'test/hostile/*.js'] } },
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
    files: ['*.js', 'bench/*.js', 'test/hostile/*.js'],
    extends: [tseslint.configs.disableTypeChecked],
    languageOptions: {
      globals: { console: 'readonly', performance: 'readonly', process: 'readonly', Buffer: 'readonly' },
    },
  },
  ...lawBlocks,
);
