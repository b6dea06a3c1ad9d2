// Images of one layer, and of fewer layers, made of an image: they show what it shows.
import { existsSync } from 'node:fs';
import { expect, it } from 'vitest';
import { describeWith } from '../requirements.ts';
import { APP, IMAGE, call, mounted, tools } from './commits.ts';
import { withWorkplace } from './stratafs.ts';

describeWith(['fuse', 'root', ...tools], 'stratafs flatten and squash', () => {
  it.each([
    [IMAGE, /^stratafs: \/xattr\/user: its attribute user\.with%3Dequals is written as .*\n$/],
    [APP, /^$/],
  ])('%s: show what the image shows', (image, warnings) =>
    withWorkplace(async (place) => {
      const expected = await mounted(place, image);
      const flattened = await place.stratafs(['flatten', image, '-o', 'oci:layout:flat']);
      expect(flattened).toMatchObject({ status: 0, stderr: expect.stringMatching(warnings) as string });
      expect(await mounted(place, 'oci:layout:flat')).toEqual(expected);
      const squashed = await place.stratafs([
        'squash',
        '--from',
        '2',
        image,
        '-o',
        'docker-archive:s.tar:a:s',
      ]);
      expect(squashed).toMatchObject({ status: 0, stderr: expect.stringMatching(warnings) as string });
      expect(await mounted(place, 's.tar')).toEqual(expected);
      const layers = JSON.parse(await call(place, 'layers', '--json', 's.tar')) as unknown[];
      expect(layers).toHaveLength(2);
      expect(existsSync(place.path('s.tar'))).toBe(true);
    }),
  );
});
