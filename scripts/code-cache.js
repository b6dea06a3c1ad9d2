// Makes the files that depend on the installed Node. It runs at the end of a build, and again at installation.
//   build/node        a symlink to that Node, by which bin/stratafs finds it without PATH
//   dist/cli/*.cache  V8's code caches of the files of the bundle (src/cli/code-cache.ts)
// None is required: without them Node is searched for, and commands make the caches that they miss.
import { chmodSync, existsSync, mkdirSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
mkdirSync(join(root, 'build'), { recursive: true });
const draft = join(root, `build/node.${process.pid}`);
rmSync(draft, { force: true });
symlinkSync(process.execPath, draft);
renameSync(draft, join(root, 'build/node'));

// An installation from the repository builds dist/ after this script; that build runs the script again.
if (existsSync(join(root, 'dist/cli/programs.cjs'))) {
  // The cache is not trusted in a directory that others may write to.
  chmodSync(join(root, 'dist/cli'), 0o755);
  const { default: bundle } = await import('../dist/cli/start.cjs');
  bundle.makeCaches();
}
