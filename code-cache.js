// Has V8 compile what a mount loads for the Node that runs this: when it was built, and again where the package is installed.
import { existsSync } from 'node:fs';

// Where the package is installed out of its repository, it is built after this.
if (existsSync('dist/cli/mounting.cjs')) {
  const { default: bundle } = await import('./dist/cli/start.cjs');
  bundle.makeCache();
}
