// A process that does the steps that its parent (examiner.ts) sends it, on images, and answers with the failure of each.
import { describeFailure } from '../../src/cli/failure.ts';
import { exportTar, inspectImage, mergeImage } from '../../src/inspect/inspect.ts';
import { indexImage, mount } from '../../src/mount/mount.ts';

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
  async mount({ source, cacheDirectory, mountpoint, options }) {
    mounted = await mount(source, mountpoint, { cacheDirectory, ...options });
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
