import { expect, it } from 'vitest';
import { DockerfileWriter } from '../../src/inspect/dockerfile.ts';

const write = (...steps: string[]): string[] => {
  const writer = new DockerfileWriter();
  return steps.map((createdBy) => writer.write({ createdBy, emptyLayer: false }));
};

it.each([
  ['/bin/sh -c #(nop) CMD ["npm", "start"]', 'CMD ["npm", "start"]'],
  ['/bin/sh -c #(nop)  EXPOSE 8080/tcp', 'EXPOSE 8080/tcp'],
  ['/bin/sh -c npm install', 'RUN npm install'],
  [
    `/bin/sh -c #(nop) COPY file:${'ab'.repeat(32)} in /usr/src/app/ `,
    'COPY file:abababababab /usr/src/app/',
  ],
  [`/bin/sh -c #(nop) COPY multi:${'01'.repeat(32)} in /a b/ `, 'COPY multi:010101010101 /a b/'],
  ['|2 A=1 B=two words /bin/sh -c make $A', '# built with A=1 B=two words\nRUN make $A'],
  ['RUN /bin/sh -c apk add curl # buildkit', 'RUN apk add curl'],
  ['RUN |1 A=1 /bin/sh -c apk add curl # buildkit', '# built with A=1\nRUN apk add curl'],
  ['RUN python -m pip # buildkit', 'RUN python -m pip'],
  ['COPY . /app # buildkit', 'COPY . /app'],
  ['ENV PATH=/bin', 'ENV PATH=/bin'],
  ['/bin/sh -c apt-get update     && apt-get install x', 'RUN apt-get update \\\n    && apt-get install x'],
  ['RUN /bin/sh -c cat <<EOF\nline\nEOF # buildkit', 'RUN cat <<EOF\nline\nEOF'],
])('%s', (createdBy, instruction) => {
  expect(write(createdBy)).toEqual([instruction]);
});

it('a SHELL counts for what follows, in either spelling', () => {
  expect(
    write(
      '/bin/sh -c #(nop)  SHELL [/bin/bash -o pipefail -c]',
      '/bin/bash -o pipefail -c true | false',
      'SHELL ["/bin/ash","-c"]',
      'RUN /bin/ash -c id # buildkit',
    ),
  ).toEqual(['SHELL [/bin/bash -o pipefail -c]', 'RUN true | false', 'SHELL ["/bin/ash","-c"]', 'RUN id']);
});

it('what no builder writes stays as it is, in a comment', () => {
  expect(write('bazel build //image', '', 'apko\nwith lines')).toEqual([
    '# bazel build //image',
    '',
    '# apko\n# with lines',
  ]);
});
