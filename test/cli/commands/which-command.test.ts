// The built command. What it finds is tested in test/inspect/path-history.test.ts.
import { describe, expect, it } from 'vitest';
import { fixture, runAlone } from '../../mount/stratafs.ts';

const source = `${fixture('expressweb-both.tar')}:extending-expressweb`;

describe('stratafs which', () => {
  it('prints the versions of each path, topmost first, and the resolved path of symlinks', async () => {
    const { status, stdout, stderr } = await runAlone('which', source, '/usr/src/app/server.js', '/bin/sh');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout.replace(/ +/g, ' ')).toBe(
      [
        '/usr/src/app/server.js',
        'LAYER CHANGE TYPE SIZE HOW INSTRUCTION',
        ' 5 replaced file 160B size COPY file:ca1dccaf94d6 /usr/src/app/server.js',
        ' 4 added file 241B COPY dir:8659f1f879bc /usr/src/app',
        '',
        '/bin/sh -> /usr/bin/sh',
        'LAYER CHANGE TYPE SIZE HOW INSTRUCTION',
        ' 1 added file 66.9kB ADD file:5cbcf9e04c61 /',
        '',
      ].join('\n'),
    );
  });

  it('exits with 1 for a deleted path, and prints what hid it', async () => {
    const gone = await runAlone('which', source, '/usr/src/app/node_modules/debug/index.js', '/nope');
    expect(gone.status).toBe(1);
    expect(gone.stdout).toMatch(/ 7 +deleted +whiteout of \/usr\/src\/app\/node_modules\/debug +RUN nuke /);
    expect(gone.stdout).toMatch(/\n\n\/nope\nno layer has it\n$/);
  });

  it('-q prints numbers of layers', async () => {
    const { status, stdout } = await runAlone('which', '-q', source, 'usr/src/app/server.js', '/nope');
    expect({ status, stdout }).toEqual({ status: 1, stdout: '5\n-\n' });
  });

  it('--json prints what docs/json.md describes', async () => {
    const { stdout } = await runAlone('which', '--json', source, 'usr/src/app/public/style.css');
    expect(JSON.parse(stdout)).toEqual([
      {
        asked: 'usr/src/app/public/style.css',
        path: '/usr/src/app/public/style.css',
        versions: [
          {
            layer: 8,
            change: 'deleted',
            cause: 'whiteout',
            attributes: [],
            instruction: expect.stringMatching(/^RUN nuke /) as string,
          },
          {
            layer: 4,
            change: 'added',
            cause: 'entry',
            attributes: [],
            size: 51,
            source: 4,
            type: 'file',
            mode: '0644',
            instruction: 'COPY dir:8659f1f879bc /usr/src/app',
          },
        ],
      },
    ]);
  });
});
