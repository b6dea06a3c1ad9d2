// Whether this process was started by the launcher, to become a daemon.

/** The process ID of the launcher; undefined where there is none. */
export function launcherPid(): number | undefined {
  const pid = process.env['STRATAFS_LAUNCHER'];
  return pid === undefined ? undefined : Number(pid);
}
