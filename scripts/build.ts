/** `make build`: bundles cvmanager into one JavaScript file for Node 24, and lists the packages in it, also as an SBOM. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cyclonedxEsbuildPlugin } from '@cyclonedx/cyclonedx-esbuild'
import { build, type Metafile } from 'esbuild'
import { leaveOut } from './left-out.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

/** Lists the packages whose code is in the bundle, and says why each is; the same sources give the same list. */
const sbom = cyclonedxEsbuildPlugin({ outputFile: 'cvmanager.cdx.json', outputReproducible: true, logLevel: 'silent' })

export interface BundledPackage {
  readonly name: string
  readonly version: string
  readonly license: string
}

export interface Built {
  readonly file: string
  readonly packages: readonly BundledPackage[]
}

/** Writes the bundle, the list of its packages, and the SBOM. */
export async function buildInto(directory: string): Promise<Built> {
  const file = join(directory, 'cvmanager.js')
  const packages = await bundle(file, true)
  const lines = packages.map(({ name, version, license }) => `${name} ${version} ${license}\n`)
  mkdirSync(directory, { recursive: true })
  writeFileSync(join(directory, 'packages.txt'), lines.join(''))
  return { file, packages }
}

/** The packages in the bundle, without writing it. */
export const bundledPackages = (): Promise<readonly BundledPackage[]> => bundle('cvmanager.js', false)

async function bundle(outfile: string, write: boolean): Promise<readonly BundledPackage[]> {
  const { version } = manifest(root)
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: ['operator/main.ts'],
    outfile,
    write,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    sourcemap: true,
    sourcesContent: false,
    plugins: write ? [leaveOut, sbom] : [leaveOut],
    // Errors and stacks show the names.
    minify: true,
    keepNames: true,
    legalComments: 'linked',
    metafile: true,
    logLevel: 'warning',
    // CommonJS dependencies use these, which an ES module does not have.
    banner: {
      js: `import { createRequire as __createRequire } from 'node:module'
const require = __createRequire(import.meta.url), __filename = import.meta.filename, __dirname = import.meta.dirname`,
    },
    define: { CVMANAGER_BUILD: JSON.stringify({ version, commit: commit() }) },
  })
  return packagesOf(metafile)
}

/** The packages with at least one byte in the bundle, by name. */
function packagesOf({ outputs }: Metafile): readonly BundledPackage[] {
  const inputs = Object.values(outputs).flatMap((output) => Object.entries(output.inputs))
  const directories = inputs.flatMap(([path, { bytesInOutput }]) => {
    const directory = /^.*node_modules\/(@[^/]+\/)?[^/]+/.exec(path)?.[0]
    return directory && bytesInOutput > 0 ? [directory] : []
  })
  const packages = [...new Set(directories)].map((directory) => manifest(join(root, directory)))
  const distinct = new Map(packages.map((each) => [`${each.name} ${each.version}`, each]))
  return [...distinct].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, each]) => each)
}

function manifest(directory: string): BundledPackage {
  const { name, version, license = 'unknown' } = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'))
  return { name, version, license }
}

/** Without git, as in the build of an image, the environment may name the commit. */
export function commit(): string {
  if (process.env.CVMANAGER_COMMIT) return process.env.CVMANAGER_COMMIT
  const git = (...args: string[]) => execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: 'pipe' }).trim()
  try {
    return `${git('rev-parse', '--short=12', 'HEAD')}${git('status', '--porcelain') === '' ? '' : '-dirty'}`
  } catch {
    return 'unknown'
  }
}

if (import.meta.main) {
  const { packages } = await buildInto(join(root, 'dist'))
  process.stdout.write(`dist/cvmanager.js: ${packages.length} packages (dist/packages.txt)\n`)
}
