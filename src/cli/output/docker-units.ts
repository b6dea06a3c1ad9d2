// Ages and digests in docker's format: "3 weeks ago" (docker/go-units), twelve digits. Sizes: inspect/docker-size.ts.

/** "Less than a second", "5 minutes", "About an hour", "8 months". */
export function showAge(milliseconds: number): string {
  const seconds = Math.floor(milliseconds / 1000);
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(seconds / 3600 + 0.5);
  if (seconds < 1) return 'Less than a second';
  if (seconds < 60) return seconds === 1 ? '1 second' : `${seconds} seconds`;
  if (minutes < 60) return minutes === 1 ? 'About a minute' : `${minutes} minutes`;
  if (hours < 48) return hours === 1 ? 'About an hour' : `${hours} hours`;
  if (hours < 24 * 7 * 2) return `${Math.floor(hours / 24)} days`;
  if (hours < 24 * 30 * 2) return `${Math.floor(hours / 24 / 7)} weeks`;
  if (hours < 24 * 365 * 2) return `${Math.floor(hours / 24 / 30)} months`;
  return `${Math.floor(Math.floor(seconds / 3600) / 24 / 365)} years`;
}

/** The age of an RFC 3339 time; "N/A", as in docker, without a time and for year 1. */
export function showCreated(created: string | undefined, now: number): string {
  const time = Date.parse(created ?? '');
  return Number.isNaN(time) || time <= 0 ? 'N/A' : `${showAge(now - time)} ago`;
}

/** The first twelve digits without "sha256:", as docker shows an ID; '' for none. */
export function shortenDigest(digest: string | undefined): string {
  return digest?.replace(/^sha256:/, '').slice(0, 12) ?? '';
}
