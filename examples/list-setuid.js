// Lists the files of an image that are set-user-ID or set-group-ID, with the layer and the instruction that they are from.
//
//   node examples/list-setuid.js app.tar
import { openImage } from 'stratafs';

const [source = ''] = process.argv.slice(2);
const image = await openImage(source);
try {
  for await (const { path, stats } of image.walk()) {
    if (!stats.isFile() || (stats.mode & 0o6000) === 0) continue;
    const mode = (stats.mode & 0o7777).toString(8).padStart(4, '0');
    const instruction = image.layers[stats.layer - 1]?.instruction?.split('\n')[0] ?? '';
    console.log(`${mode} ${stats.uid}:${stats.gid} ${path}  layer ${stats.layer}: ${instruction}`);
  }
} finally {
  await image.close();
}
