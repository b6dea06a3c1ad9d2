// The configuration of this user, found by the variables of a process (XDG base directory specification).
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Environment } from './proxies.ts';

export function homeOf(environment: Environment): string {
  return environment['HOME'] ?? homedir();
}

/** $XDG_CONFIG_HOME, or ~/.config. */
export function configHomeOf(environment: Environment): string {
  return environment['XDG_CONFIG_HOME'] ?? join(homeOf(environment), '.config');
}
