// Makes the two files that depend on the installed Node. It runs at the end of a build, and again at installation.
//   build/node               a symlink to that Node, by which bin/stratafs finds it without PATH
//   dist/cli/mounting.cache  V8's code cache of everything that a mount loads
import { existsSync, mkdirSync, renameSync, rmSync, symlinkSync } from 'node:fs';

mkdirSync('build', { recursive: true });
const draft = `build/node.${process.pid}`;
rmSync(draft, { force: true });
symlinkSync(process.execPath, draft);
renameSync(draft, 'build/node');

// An installation from the repository builds dist/ after this script; that build runs the script again.
if (existsSync('dist/cli/mounting.cjs')) {
  const { default: bundle } = await import('../dist/cli/start.cjs');
  bundle.makeCache();
}
