// Sizes in docker's format (docker/go-units): SI units, three significant digits in lists of images, four in
// "docker system df". The page of `stratafs report` includes this file, so it imports nothing.

const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];

/** "318kB", "1.09MB", "0B". Prints "1MB" for a size that go-units prints as "1e+03kB". */
export function showDockerSize(bytes: number, figures = 3): string {
  let value = bytes;
  let unit = 0;
  while (unit < units.length - 1 && Number(value.toPrecision(figures)) >= 1000) {
    value /= 1000;
    unit++;
  }
  return `${Number(value.toPrecision(figures))}${units[unit] as string}`;
}
