// Completion in real shells: types a line, a tab and return into an interactive shell on a terminal, and checks the command
// that the shell then runs.
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { COMMAND, type Workplace, fixture, run, withWorkplace } from '../../mount/stratafs.ts';
import { describeWith } from '../../requirements.ts';

const share = fileURLToPath(new URL('../../../share', import.meta.url));
const driver = fileURLToPath(new URL('type.py', import.meta.url));

/** The command that starts each shell without the user's files, and loads the script as documented. */
const shells = {
  bash: {
    file: '.bashrc',
    text: `PS1='READY '\nsource '${share}/bash-completion/completions/stratafs'\n`,
    command: ['bash', '--noprofile', '-i'],
  },
  zsh: {
    file: '.zshrc',
    text: `PS1='READY '\nfpath=('${share}/zsh/site-functions' $fpath)\nautoload -Uz compinit\ncompinit -u -D\nsetopt no_auto_remove_slash\n`,
    command: ['zsh', '-d', '-i'],
  },
  fish: {
    file: 'config.fish',
    text: `function fish_prompt; echo 'READY '; end\nfunction fish_greeting; end\nsource '${share}/fish/vendor_completions.d/stratafs.fish'\n`,
    command: ['fish', '--private'],
  },
} as const;

/** A `stratafs` on the PATH that completes, and logs the arguments of other calls. */
function prepare(place: Workplace, { file, text }: { file: string; text: string }): NodeJS.ProcessEnv {
  for (const name of ['bin', 'config/fish', 'home', 'oci-layout', 'a directory'])
    mkdirSync(place.path(name), { recursive: true });
  writeFileSync(
    place.path('bin/stratafs'),
    `#!/bin/sh\n[ "$1" = __complete ] && exec '${process.execPath}' '${COMMAND}' "$@"\n` +
      `{ printf '%s\\n' "$@"; echo END; } >> '${place.path('log')}'\n`,
    { mode: 0o755 },
  );
  writeFileSync(place.path(file === 'config.fish' ? 'config/fish/config.fish' : `home/${file}`), text);
  copyFileSync(fixture('expressweb-both.tar'), place.path('both.tar'));
  copyFileSync(fixture('expressweb.tar'), place.path('my web.tar'));
  return {
    ...place.environment,
    HOME: place.path('home'),
    ZDOTDIR: place.path('home'),
    XDG_CONFIG_HOME: place.path('config'),
    XDG_DATA_HOME: place.path('data'),
    PATH: `${place.path('bin')}:${process.env['PATH'] ?? ''}`,
    TERM: 'dumb',
    LC_ALL: 'C.UTF-8',
  };
}

/** Typed lines, followed by a tab, and the arguments that the shell then passes. */
const cases: readonly (readonly [typed: string, args: readonly string[]])[] = [
  ['stratafs hist\t', ['history']],
  ['stratafs history --dock\t', ['history', '--dockerfile']],
  ['stratafs history both\t', ['history', 'both.tar']],
  ['stratafs history both.tar:ext\t', ['history', 'both.tar:extending-expressweb:latest']],
  ['stratafs history oci-l\t', ['history', 'oci-layout/']],
  ['stratafs history docker-archive:bo\t', ['history', 'docker-archive:both.tar']],
  ['stratafs commit /mnt --compression z\t', ['commit', '/mnt', '--compression', 'zstd']],
  ['stratafs commit /mnt --compression=z\t', ['commit', '/mnt', '--compression=zstd']],
  ['stratafs mount -o ro,metacopy=of\t', ['mount', '-o', 'ro,metacopy=off']],
  ['stratafs mount -o ro,force\t', ['mount', '-o', 'ro,force-upper']],
  ['stratafs mount -o upper=oci\t', ['mount', '-o', 'upper=oci-layout/']],
  ['stratafs history my\t', ['history', 'my web.tar']],
  ['stratafs history "my web.tar:expressweb:1\t', ['history', 'my web.tar:expressweb:1.0.0']],
  ['stratafs history my\\ web.tar:expressweb:1\t', ['history', 'my web.tar:expressweb:1.0.0']],
  ['stratafs cat both.tar:expressweb:1.0.0 /etc/pass\t', ['cat', 'both.tar:expressweb:1.0.0', '/etc/passwd']],
  ['stratafs tree both.tar:expressweb:1.0.0 /usr/sr\t', ['tree', 'both.tar:expressweb:1.0.0', '/usr/src/']],
  [
    'stratafs which both.tar:expressweb:1.0.0 /bin/cat /bin/chr\t',
    ['which', 'both.tar:expressweb:1.0.0', '/bin/cat', '/bin/chroot'],
  ],
  // The builder of an image chooses its names: no shell may run what is in them, within quotes or without.
  ['stratafs cat odd.tar /d\t', ['cat', 'odd.tar', '/d$(touch owned)']],
  ['stratafs cat odd.tar "/d\t', ['cat', 'odd.tar', '/d$(touch owned)']],
  ["stratafs cat odd.tar '/d\t", ['cat', 'odd.tar', '/d$(touch owned)']],
  ['stratafs cp odd.tar:"/d\t', ['cp', 'odd.tar:/d$(touch owned)']],
  ["stratafs cp odd.tar:'/d\t", ['cp', 'odd.tar:/d$(touch owned)']],
  ['stratafs cat odd.tar /c\t', ['cat', 'odd.tar', '/c\u0080$(touch owned)']],
  ['stratafs cat odd.tar "/c\t', ['cat', 'odd.tar', '/c\u0080$(touch owned)']],
  ['stratafs cp odd.tar:"/c\t', ['cp', 'odd.tar:/c\u0080$(touch owned)']],
  ['stratafs cat odd.tar "/s\t', ['cat', 'odd.tar', "/s'`touch owned`'x"]],
  ["stratafs cat odd.tar '/s\t", ['cat', 'odd.tar', "/s'`touch owned`'x"]],
  ["stratafs cat odd.tar /s\\'\t", ['cat', 'odd.tar', "/s'`touch owned`'x"]],
  ['stratafs cat odd.tar /h\t', ['cat', 'odd.tar', '/h"q']],
  ['stratafs cat odd.tar "/h\t', ['cat', 'odd.tar', '/h"q']],
  ['stratafs cat odd.tar "/e\t', ['cat', 'odd.tar', '/e!x']],
  ['stratafs cat odd.tar /b\t', ['cat', 'odd.tar', '/b\\s a']],
  ['stratafs cat odd.tar "/b\t', ['cat', 'odd.tar', '/b\\s a']],
  ['stratafs cp odd.tar:/b\t', ['cp', 'odd.tar:/b\\s a']],
  ['stratafs cp both.tar:expressweb:1.0.0:/etc/pass\t', ['cp', 'both.tar:expressweb:1.0.0:/etc/passwd']],
];

const odd = ['d$(touch owned)', 'c\u0080$(touch owned)', "s'`touch owned`'x", 'h"q', 'e!x', 'b\\s a'];

/** In fish an open quote stays open until it is closed; bash and zsh close it. */
const isFor = (shell: keyof typeof shells, typed: string): boolean => shell !== 'fish' || !/["']/.test(typed);

describeWith([{ program: 'python3' }], 'completion', () => {
  for (const shell of ['bash', 'zsh', 'fish'] as const) {
    describeWith([{ program: shell }], `in ${shell}`, () => {
      it('completes typed lines', () =>
        withWorkplace(async (place) => {
          const env = prepare(place, shells[shell]);
          // Completion reads no layer: it knows the paths of images that were indexed.
          await place.stratafs(['index', 'both.tar:expressweb:1.0.0']);
          mkdirSync(place.path('odd'));
          for (const name of odd) writeFileSync(place.path(`odd/${name}`), '');
          await run('tar', ['-cf', place.path('odd.tar'), '-C', place.path('odd'), '.'], {});
          await place.stratafs(['index', 'odd.tar']);
          const shellCases = cases.filter(([typed]) => isFor(shell, typed));
          const lines = shellCases.map(([typed]) => typed);
          const { status, stdout, stderr } = await run(
            'python3',
            [driver, place.path('log'), ...lines, '--', ...shells[shell].command],
            { cwd: place.directory, env },
          );
          expect({ status, stderr }, stdout).toEqual({ status: 0, stderr: '' });
          const calls = readFileSync(place.path('log'), 'utf8').split('END\n').slice(0, -1);
          const called = calls.map((text) => text.split('\n').slice(0, -1));
          expect(called.map((args, i) => [lines[i], args])).toEqual(shellCases);
          expect(existsSync(place.path('owned'))).toBe(false);
        }));
    });
  }
});
