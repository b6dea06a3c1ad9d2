// Finds out whether the launcher started this process.

/** The process ID of the launcher; undefined without one. */
export function launcherPid(): number | undefined {
  const pid = process.env['STRATAFS_LAUNCHER'];
  return pid === undefined ? undefined : Number(pid);
}
