#!/usr/bin/env node
// The `mount.stratafs` command.
import { runMountHelper } from './mount-helper.ts';
import { runAsHelper } from './run-as-helper.ts';

await runAsHelper(runMountHelper);
