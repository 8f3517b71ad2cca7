import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { commandTree } from '../../../operator/cli/program.ts'
import { checkout, type KindTest, runMake } from '../bed.ts'

const image = 'cvmanager:e2e'
const maxBytes = 200_000_000
const { version } = JSON.parse(readFileSync(join(checkout, 'package.json'), 'utf8')) as { readonly version: string }

export const imageTests: readonly KindTest[] = [
  {
    name: 'S8 `make image` builds the image: Node 24 and one file, without a shell, for a user with a number',
    async run(t, bed) {
      const { cluster } = bed
      await runMake(bed, 'image', { IMAGE: image })
      const [made] = JSON.parse(await cluster.run('docker', ['image', 'inspect', image])) as [ImageDetails]
      t.comment(`unpacked size: ${(made.Size / 1e6).toFixed(1)} MB`)
      t.ok(made.Size <= maxBytes, `${made.Size} bytes`)
      t.equal(made.Config.User, '65532:65532')
      t.same(made.Config.Entrypoint, ['cvmanager'])
      t.equal(made.Config.Labels['org.opencontainers.image.version'], version)
      t.match(made.Config.Labels['org.opencontainers.image.revision'], /^[0-9a-f]{12}/)
      for (const shell of ['sh', '/bin/sh', '/bin/bash', '/busybox/sh']) {
        const { status, errors } = await cluster.attempt('docker', [
          'run',
          '--rm',
          '--network',
          'none',
          '--entrypoint',
          shell,
          image,
        ])
        t.equal(status, 127, `${shell}: ${errors}`)
      }
    },
  },
  {
    name: 'every command runs in the image with a read-only root, and its exit status is that of the container',
    async run(t, { cluster }) {
      const restricted = [
        '--read-only',
        '--cap-drop',
        'ALL',
        '--security-opt',
        'no-new-privileges',
        '--network',
        'none',
      ]
      const start = (...args: string[]) => cluster.attempt('docker', ['run', '--rm', ...restricted, image, ...args])
      const { output } = await start('--version')
      t.match(output, version)
      for (const { path } of commandTree().leaves) {
        const { status, output, errors } = await start(...path.split(' ').slice(1), '--help')
        t.equal(status, 0, errors)
        t.match(output, `Usage: ${path}`)
      }
      const refused = await start('cr', 'tags', 'get')
      t.equal(refused.status, 2)
      t.match(refused.errors, /^error: .*--repo/)
    },
  },
  {
    name: 'CI tags an image from the container, as it ran the first cvmanager',
    async run(t, { cluster, publisher }) {
      const repo = `${cluster.registry}/shop/web`
      await publisher.push('v0.9.0')
      const cvmanager = (...args: string[]) =>
        cluster.run('docker', [
          'run',
          '--rm',
          '--network',
          'host',
          image,
          ...args,
          '--insecure-registry',
          cluster.registry,
        ])
      await cvmanager('cr', 'tags', 'add', '--repo', repo, '--version', 'v0.9.0', '--tags', 'env-ci')
      t.match(await cvmanager('cr', 'tags', 'get', '--repo', repo, '--version', 'v0.9.0'), 'env-ci')
      t.match(await cvmanager('cr', 'resolve', `${repo}:env-ci`, '--version-syntax', 'v[0-9.]+'), 'v0.9.0')
      await cvmanager('cr', 'tags', 'remove', '--repo', repo, '--tags', 'env-ci')
    },
  },
  {
    name: 'S10 the image lists what is in it, in the format CycloneDX',
    async run(t, { cluster }) {
      const container = (await cluster.run('docker', ['create', image])).trim()
      try {
        const target = join(cluster.directory, 'sbom.json')
        await cluster.run('docker', ['cp', `${container}:/usr/share/doc/cvmanager/cvmanager.cdx.json`, target])
        const { bomFormat, components } = JSON.parse(await readFile(target, 'utf8')) as Sbom
        t.equal(bomFormat, 'CycloneDX')
        t.ok(components.some(({ name, purl }) => name === 'commander' && purl.startsWith('pkg:npm/commander@')))
      } finally {
        await cluster.run('docker', ['rm', container])
      }
    },
  },
  {
    name: 'S10 the same source makes the same image at another time: layers and configuration are equal without any cache',
    async run(t, bed) {
      const again = 'cvmanager:e2e-again'
      // A second later, every time that the build takes from a clock differs.
      await sleep(1_000)
      const DOCKER_BUILD_ARGS = `${bed.make.DOCKER_BUILD_ARGS} --no-cache`
      await runMake(bed, 'image', { IMAGE: again, DOCKER_BUILD_ARGS, SOURCE_DATE_EPOCH: '1' })
      const [one, other] = JSON.parse(
        await bed.cluster.run('docker', ['image', 'inspect', image, again]),
      ) as ImageDetails[]
      t.same(other?.RootFS, one?.RootFS)
      // Image is the step before the last one, which has the time of the build.
      t.same({ ...other?.Config, Image: '' }, { ...one?.Config, Image: '' })
    },
  },
]

interface ImageDetails {
  readonly Size: number
  readonly RootFS: { readonly Layers: readonly string[] }
  readonly Config: {
    readonly User: string
    readonly Entrypoint: readonly string[]
    readonly Labels: Readonly<Record<string, string>>
  }
}

interface Sbom {
  readonly bomFormat: string
  readonly components: readonly { readonly name: string; readonly purl: string }[]
}
