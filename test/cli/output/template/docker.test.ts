// The oracle is the docker command, which needs no daemon to list its contexts.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createTemplate } from '../../../../src/cli/output/template/template.ts';
import { describeWith } from '../../../requirements.ts';

/** What `docker context ls` shows without any context of the user. */
const context = {
  Name: 'default',
  Description: 'Current DOCKER_HOST based configuration',
  DockerEndpoint: 'unix:///var/run/docker.sock',
  Current: true,
};

let configuration: string;

beforeAll(() => {
  configuration = mkdtempSync(join(tmpdir(), 'stratafs-docker-config-'));
});
afterAll(() => rmSync(configuration, { recursive: true, force: true }));

function runDocker(format: string): { status: number | null; stdout: string } {
  const { status, stdout } = spawnSync('docker', ['context', 'ls', '--format', format], {
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], HOME: configuration, DOCKER_CONFIG: configuration },
  });
  return { status, stdout };
}

const applied = (format: string): string => `${createTemplate(format).apply(context, (text) => text)}\n`;

describeWith([{ program: 'docker' }], 'a template gives the text of docker', () => {
  it.each([
    '{{.Name}} {{ .Description }}',
    '{{json .Name}}{{json .Current}}{{json ""}}',
    '{{.Name | json}}',
    '{{upper .Name}}{{lower .Description}}{{title .Name}}{{title .Description}}',
    '{{split .DockerEndpoint "/"}}',
    '{{join (split .DockerEndpoint "/") " , "}}',
    '{{index (split .DockerEndpoint ":") 1}}',
    '{{pad .Name 2 3}}|{{pad "" 2 3}}|',
    '{{truncate .Description 7}}|{{truncate .Name 70}}',
    '{{println .Name .Current}}{{print .Name .Name 1 2 true .Name}}',
    '{{printf "%s|%q|%v|%t|%-12s|%12s|%.3s|%d|%05d|%x|%.2f|%%" .Name .Name .Current .Current .Name .Name .Name 7 42 255 1.5}}',
    '{{if .Current}}*{{else}}-{{end}}{{if ""}}bad{{else if eq .Name "default"}}good{{end}}',
    '{{with .Name}}{{.}}{{end}}{{with ""}}{{.}}{{else}}none {{.Name}}{{end}}',
    '{{range split .DockerEndpoint "/"}}[{{.}}]{{end}}',
    '{{range $i, $part := split .DockerEndpoint "/"}}{{$i}}={{$part}} {{$.Name}};{{else}}none{{end}}',
    '{{range split "" ""}}x{{else}}none{{end}}',
    '{{$name := .Name}}{{$name}}',
    '{{len .Name}} {{len (split .Name "a")}}',
    '{{and .Name ""}}|{{or "" .Name}}|{{not ""}}|{{and .Name .Current}}',
    '{{eq .Name "default"}}{{eq .Name "a" "b" "default"}}{{ne .Name "x"}}{{lt 1 2}}{{le 2 1}}{{gt "b" "a"}}{{ge 1 1}}',
    'x  {{- .Name -}}  y {{- /* a comment */ -}} z',
    '{{"a\\tb\\x41\\"}}"}}{{`raw`}}{{3}}{{true}}',
    '{{.Name | printf "%s-%s" "a" | upper}}',
    '{{slice .Name 1 3}}|{{slice .Name 4}}|{{slice .Name}}|{{slice .Name 7 7}}|{{slice (split .DockerEndpoint "/") 3 5}}',
    '{{html "<a href=\'x\'>&\\"" .Name}}{{js "it\'s <b> & = a\\\\b \\"x\\"é"}}{{urlquery "a b&c=d/é!\'()*~-._"}}{{html 1 2}}',
    '{{len "é"}} {{index "aé" 2}} {{slice "aéb" 1 3}}',
    '{{print nil}}',
  ])('%s', (format) => {
    const { status, stdout } = runDocker(format);
    expect({ status, stdout }).toEqual({ status: 0, stdout: applied(format) });
  });

  it.each([
    '{{.Name',
    '{{.Nope}}',
    '{{nope .Name}}',
    '{{.Name.Length}}',
    '{{if .Name}}x',
    '{{end}}',
    '{{range .Name}}{{.}}{{end}}{{else}}',
    '{{.Name .Name}}',
    '{{upper .Name .Name}}',
    '{{upper .Current}}',
    '{{slice .Name 2 1}}',
    '{{slice .Name 0 8}}',
    '{{slice .Name "a"}}',
    '{{slice .Current 0 1}}',
    '{{slice .Name 0 1 2}}',
    '{{.Name | .Name}}',
    '{{$x}}',
    '{{(.Name}}',
    '{{.Name)}}',
    '{{index (split .Name "a") 9}}',
    '{{lt .Name 1}}',
    '{{"\\z"}}',
  ])('%s is an error in docker and here', (format) => {
    expect(runDocker(format).status).not.toBe(0);
    expect(() => applied(format)).toThrow(/^--format: /);
  });
});
