import { expect, it } from 'vitest';
import { SharedLoad } from '../../src/remote/shared-load.ts';

interface Started {
  readonly finish: (value: object | undefined) => void;
}

function makeLoad(): { readonly load: SharedLoad<object>; readonly started: Started[] } {
  const started: Started[] = [];
  const load = new SharedLoad<object>(
    (signal) =>
      new Promise((resolve, reject) => {
        signal?.addEventListener('abort', () => reject(signal.reason as Error));
        started.push({ finish: resolve });
      }),
  );
  return { load, started };
}

it('loads once for those that ask meanwhile and later', async () => {
  const { load, started } = makeLoad();
  const both = Promise.all([load.get(), load.get()]);
  const value = {};
  started[0]?.finish(value);
  expect((await both).every((each) => each === value)).toBe(true);
  expect(await load.get()).toBe(value);
  expect(started).toHaveLength(1);
});

it('does not keep a failure', async () => {
  const { load, started } = makeLoad();
  const both = Promise.all([load.get(), load.get()]);
  started[0]?.finish(undefined);
  expect(await both).toEqual([undefined, undefined]);
  const again = load.get();
  started[1]?.finish({});
  expect(await again).toEqual({});
});

it('goes on for others when the one that started it is aborted', async () => {
  const { load, started } = makeLoad();
  const stop = new AbortController();
  const first = load.get(stop.signal);
  const second = load.get();
  stop.abort(new Error('enough'));
  await expect(first).rejects.toThrow('enough');
  await expect.poll(() => started.length).toBe(2);
  started[1]?.finish({ is: 'second' });
  expect(await second).toEqual({ is: 'second' });
});
