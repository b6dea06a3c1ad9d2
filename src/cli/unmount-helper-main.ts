#!/usr/bin/env node
// The `umount.fuse.stratafs` command.
import { runAsHelper } from './run-as-helper.ts';
import { runUnmountHelper } from './unmount-helper.ts';

await runAsHelper(runUnmountHelper);
