// The drivers that serve whole mounts, and a describe block for each.
import { describeWith, type Requirement } from '../requirements.ts';

export interface DriverUnderTest {
  readonly name: 'dev-fuse' | 'fuse-native';
  /** The arguments of `stratafs mount` that select it. */
  readonly options: readonly string[];
  readonly needs: readonly Requirement[];
}

export const devFuse: DriverUnderTest = { name: 'dev-fuse', options: [], needs: ['fuse'] };
export const fuseNative: DriverUnderTest = {
  name: 'fuse-native',
  options: ['-o', 'driver=fuse-native'],
  needs: ['fuse', { package: 'fuse-native' }],
};

/** A describe block of each driver, whose tests need all of `requirements` beside what the driver needs. */
export function describeDrivers(
  requirements: readonly Requirement[],
  title: string,
  body: (driver: DriverUnderTest) => void,
): void {
  for (const driver of [devFuse, fuseNative]) {
    describeWith([...driver.needs, ...requirements], `${title} (driver=${driver.name})`, () => body(driver));
  }
}
