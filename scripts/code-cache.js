// What depends on the Node that runs this: when the package was built, and again where it is installed.
//   build/node               a symlink to that Node, by which bin/stratafs finds it without PATH
//   dist/cli/mounting.cache  what V8 compiles of all that a mount loads
import { existsSync, mkdirSync, renameSync, rmSync, symlinkSync } from 'node:fs';

mkdirSync('build', { recursive: true });
const draft = `build/node.${process.pid}`;
rmSync(draft, { force: true });
symlinkSync(process.execPath, draft);
renameSync(draft, 'build/node');

// Where the package is installed out of its repository, it is built after this.
if (existsSync('dist/cli/mounting.cjs')) {
  const { default: bundle } = await import('../dist/cli/start.cjs');
  bundle.makeCache();
}
