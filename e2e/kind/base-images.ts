import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { cp, mkdir, realpath, rm, writeFile } from 'node:fs/promises'
import { delimiter, dirname, join } from 'node:path'
import { makeWorkDirectory } from '../harness/work-directory.ts'
import { attempt, run } from './command.ts'
import { debianImage } from './debian.ts'
import type { Engine } from './engine.ts'

export interface BaseImages {
  readonly BUILD_IMAGE: string
  readonly RUNTIME_IMAGE: string
}

/**
 * Stand-ins for the public bases of the Dockerfile, made of this machine's Debian and this checkout's Node. The one to run in has
 * what distroless has: Node at /nodejs/bin/node, its libraries, certificates, and no shell.
 */
export async function baseImages(engine: Engine, say: (line: string) => void): Promise<BaseImages> {
  const { BUILD_IMAGE, RUNTIME_IMAGE } = process.env
  if (BUILD_IMAGE && RUNTIME_IMAGE) return { BUILD_IMAGE, RUNTIME_IMAGE }
  const { env } = engine
  const version = process.versions.node
  const names = { BUILD_IMAGE: `cvmanager-e2e/build:${version}`, RUNTIME_IMAGE: `cvmanager-e2e/runtime:${version}` }
  const present = (name: string) => attempt('docker', ['image', 'inspect', name], { env })
  const found = await Promise.all(Object.values(names).map(present))
  if (found.every(({ status }) => status === 0)) return names

  const debian = await debianImage(engine, say)
  say('Making stand-ins for the base images …')
  const context = await makeWorkDirectory('base-images')
  try {
    const node = await realpath(process.execPath)
    await mkdir(join(context, 'nodejs', 'bin'), { recursive: true })
    await cp(node, join(context, 'nodejs', 'bin', 'node'))
    for (const library of libraries(node)) await copyInto(context, library)
    // The folder that Node and npm read on this machine, which may have a certificate of its own.
    await copyInto(context, certificates)
    await cp(await npmDirectory(), join(context, 'npm'), { recursive: true, dereference: true })
    await writeFile(join(context, 'passwd'), 'root:x:0:0:root:/root:\nnonroot:x:65532:65532:nonroot:/home/nonroot:\n')
    await build(context, names.BUILD_IMAGE, env, [
      `FROM ${debian}`,
      'COPY nodejs/bin/node /usr/local/bin/node',
      'COPY npm /usr/local/lib/npm',
      `COPY .${certificates} ${certificates}`,
      `ENV NODE_EXTRA_CA_CERTS=${certificates}`,
      `ENV npm_config_cafile=${certificates}`,
      'RUN ln -s ../lib/npm/bin/npm-cli.js /usr/local/bin/npm && node --version && npm --version',
    ])
    await build(context, names.RUNTIME_IMAGE, env, [
      'FROM scratch',
      'COPY nodejs /nodejs',
      'COPY lib /lib',
      'COPY lib64 /lib64',
      `COPY .${certificates} ${certificates}`,
      'COPY passwd /etc/passwd',
      'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      'USER 65532',
      'ENTRYPOINT ["/nodejs/bin/node"]',
    ])
  } finally {
    await rm(context, { recursive: true, force: true })
  }
  return names
}

const certificates = '/etc/ssl/certs/ca-certificates.crt'

/** What the dynamic linker loads, and the linker itself. */
function libraries(program: string): readonly string[] {
  const listed = execFileSync('ldd', [program], { encoding: 'utf8' })
  return [...listed.matchAll(/(\/\S+) \(0x/g)].map(([, path = '']) => path)
}

async function copyInto(context: string, path: string): Promise<void> {
  const target = join(context, path)
  await mkdir(dirname(target), { recursive: true })
  await cp(path, target, { dereference: true })
}

/** The folder of the npm on PATH, which is a link to `<folder>/bin/npm-cli.js`. */
async function npmDirectory(): Promise<string> {
  const folders = (process.env.PATH ?? '').split(delimiter)
  const npm = folders.map((folder) => join(folder, 'npm')).find((path) => existsSync(path))
  if (npm === undefined) throw new Error('npm is not on PATH')
  return dirname(dirname(await realpath(npm)))
}

async function build(context: string, name: string, env: Engine['env'], lines: readonly string[]): Promise<void> {
  const dockerfile = join(context, 'Dockerfile')
  await writeFile(dockerfile, `${lines.join('\n')}\n`)
  const args = ['build', '--network', 'none', '--tag', name, '--file', dockerfile, context]
  await run('docker', args, { env: { ...env, DOCKER_BUILDKIT: '0' } })
}
