// Sizes as docker writes them (docker/go-units): SI units, of three figures in lists of images and four in
// "docker system df". The page of `stratafs report` shows them too: this file imports nothing.

const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];

/** "318kB", "1.09MB", "0B". Where go-units falls into "1e+03kB", this says "1MB". */
export function showDockerSize(bytes: number, figures = 3): string {
  let value = bytes;
  let unit = 0;
  while (unit < units.length - 1 && Number(value.toPrecision(figures)) >= 1000) {
    value /= 1000;
    unit++;
  }
  return `${Number(value.toPrecision(figures))}${units[unit] as string}`;
}
