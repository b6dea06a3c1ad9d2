// The instructions of -c: the forms that "docker commit -c" and Dockerfiles accept.
import { describe, expect, it } from 'vitest';
import { type ContainerConfig, applyInstructions } from '../../src/commit/instructions.ts';

const BEFORE: ContainerConfig = { Env: ['PATH=/bin', 'A=1'], Cmd: ['old'], WorkingDir: '/srv', Odd: 1 };

describe('an instruction', () => {
  it.each<[string, object]>([
    ['CMD ["a", "b c"]', { Cmd: ['a', 'b c'] }],
    ['CMD a "b c" $A', { Cmd: ['/bin/sh', '-c', 'a "b c" $A'] }],
    ['cmd [ -f x ]', { Cmd: ['/bin/sh', '-c', '[ -f x ]'] }],
    ['ENV A=2 B="x y" C=\'$A\'', { Env: ['PATH=/bin', 'A=2', 'B=x y', 'C=$A'] }],
    ['ENV B two words', { Env: ['PATH=/bin', 'A=1', 'B=two words'] }],
    ['ENV PATH=/x:$PATH B=${A}${N:-none}${A:+set}', { Env: ['PATH=/x:/bin', 'A=1', 'B=1noneset'] }],
    ['LABEL a=b "c d"="e f"', { Labels: { a: 'b', 'c d': 'e f' } }],
    [
      'EXPOSE 80 53/UDP 8000-8001',
      { ExposedPorts: { '80/tcp': {}, '53/udp': {}, '8000/tcp': {}, '8001/tcp': {} } },
    ],
    ['VOLUME ["/a b"]', { Volumes: { '/a b': {} } }],
    ['VOLUME /a /b', { Volumes: { '/a': {}, '/b': {} } }],
    ['USER 1:2', { User: '1:2' }],
    ['WORKDIR sub', { WorkingDir: '/srv/sub' }],
    ['WORKDIR /x/../y', { WorkingDir: '/y' }],
    ['STOPSIGNAL SIGRTMIN+3', { StopSignal: 'SIGRTMIN+3' }],
    ['ONBUILD RUN x', { OnBuild: ['RUN x'] }],
  ])('%s', (text, expected) => {
    expect(applyInstructions(BEFORE, [text])).toEqual({ ...BEFORE, ...expected });
  });

  it('ENTRYPOINT drops the CMD of the image, but not one that is given before it', () => {
    expect(applyInstructions(BEFORE, ['ENTRYPOINT ["e"]'])).toEqual({
      Env: BEFORE['Env'],
      WorkingDir: '/srv',
      Odd: 1,
      Entrypoint: ['e'],
    });
    expect(applyInstructions(BEFORE, ['CMD ["c"]', 'ENTRYPOINT ["e"]'])).toMatchObject({
      Cmd: ['c'],
      Entrypoint: ['e'],
    });
  });

  it.each([
    ['RUN x', '-c "RUN x": found RUN, expected one of CMD, ENTRYPOINT, ENV, '],
    ['', '-c "": found nothing, expected one of '],
    ['ENV', '-c "ENV": found nothing after ENV'],
    ['ENV A', '-c "ENV A": found ENV A, expected NAME=VALUE'],
    ['ENV A=b c', '-c "ENV A=b c": found c, expected NAME=VALUE'],
    ['ENV A="b', '-c "ENV A=\\"b": A="b: found a quote " that is not closed'],
    ['EXPOSE 70000', '-c "EXPOSE 70000": found the port 70000, expected one such as'],
    ['STOPSIGNAL kill me', '-c "STOPSIGNAL kill me": found the signal kill me, expected'],
  ])('%s is refused by name', (text, message) => {
    expect(() => applyInstructions(BEFORE, [text])).toThrow(message);
  });
});
