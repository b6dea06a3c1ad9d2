// A process that does to images what it is told, by the built library. Its parent watches it (examiner.ts).
import { describeFailure } from '../../dist/cli/failure.js';
import { exportTar, inspectImage, mergeImage } from '../../dist/inspect.js';
import { indexImage, mount } from '../../dist/mount.js';

let mounted;

const steps = {
  index: ({ source, cacheDirectory }) => indexImage(source, { cacheDirectory }),
  async export({ source, cacheDirectory }) {
    const inspection = await inspectImage(source, { cacheDirectory });
    try {
      await exportTar(mergeImage(inspection), { take: () => Promise.resolve() });
    } finally {
      inspection.close();
    }
  },
  async mount({ source, cacheDirectory, mountpoint }) {
    mounted = await mount(source, mountpoint, { cacheDirectory });
  },
  unmount: () => mounted.close(),
};

process.on('message', async (order) => {
  let failure;
  try {
    await steps[order.step](order);
  } catch (error) {
    failure = { text: describeFailure(error), stack: error instanceof Error ? error.stack : undefined };
  }
  process.send({ failure });
});
