/**
 * `make image`: builds the container image of this checkout, by Docker or what answers to its command line. IMAGE names it;
 * BUILD_IMAGE and RUNTIME_IMAGE name other bases than the Dockerfile's; DOCKER_BUILD_ARGS are more arguments of `docker build`.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { version } from '../operator/version.ts'
import { commit } from './build.ts'
import { target } from './target.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

/** Builds the image, with Docker's output on this process's. @throws Error that says what is missing, or what failed */
export function buildImage(name: string, env: NodeJS.ProcessEnv = process.env): void {
  const fault = engineFault(env)
  if (fault !== undefined) throw new Error(fault)
  const values: Record<string, string | undefined> = {
    BUILD_IMAGE: env.BUILD_IMAGE,
    RUNTIME_IMAGE: env.RUNTIME_IMAGE,
    CVMANAGER_COMMIT: commit(),
    CVMANAGER_VERSION: version.version,
    SOURCE_DATE_EPOCH: env.SOURCE_DATE_EPOCH ?? String(commitTime()),
  }
  const args = Object.entries(values).flatMap(([key, value]) => (value ? ['--build-arg', `${key}=${value}`] : []))
  const more = (env.DOCKER_BUILD_ARGS ?? '').split(/\s+/).filter((each) => each !== '')
  const { status, error } = spawnSync('docker', ['build', '--tag', name, ...args, ...more, root], {
    env,
    stdio: ['ignore', 2, 2],
  })
  if (status !== 0) throw new Error(`docker build has failed${error ? `: ${error.message}` : ''}; its output says why`)
}

/** Why there is no engine to build with, and what to do; undefined if there is one. */
export function engineFault(env: NodeJS.ProcessEnv): string | undefined {
  const { status, error, stderr } = spawnSync('docker', ['version', '--format', '{{.Server.Version}}'], {
    env,
    encoding: 'utf8',
  })
  if (error) {
    return 'docker is not on PATH. Install Docker (https://docs.docker.com/engine/install), or Podman with its command docker'
  }
  if (status === 0) return undefined
  return `no container engine answers (${stderr.trim().split('\n').at(-1)}). Start Docker, or let DOCKER_HOST name one`
}

/** The time of the last commit, in seconds since 1970; 0 without git. */
function commitTime(): number {
  try {
    return Number(execFileSync('git', ['log', '-1', '--format=%ct'], { cwd: root, encoding: 'utf8', stdio: 'pipe' }))
  } catch {
    return 0
  }
}

if (import.meta.main) {
  target('image', () => {
    const name = process.env.IMAGE || 'cvmanager:dev'
    buildImage(name)
    process.stdout.write(`Built ${name}. Try: docker run --rm ${name} --help\n`)
  })
}
